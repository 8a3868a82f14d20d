package dev.sallyport.controller.session;

import dev.sallyport.agentapi.Callback;
import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.host.Bells;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Room;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.OutcomeListener;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionChange;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.UserId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import dev.sallyport.vault.Vault;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What can be done with sign-ins: start, follow, help along, cancel. Each that this host works on runs in a {@link SignInFlow} of its
 * own; what any of them stands for is in the store, and any controller may end one.
 */
public final class Sessions implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);

    private final SignInFlow.Parts parts;
    private final MachineStore machineStore;
    private final Providers providers;
    private final StayPolicy stays;
    private final Bells bells;
    private final InstantSource clock;
    private final Duration keepStep;
    private final Map<SessionId, Thread> flows = new ConcurrentHashMap<>();
    private volatile boolean closing;

    private Sessions(
            SignInFlow.Parts parts,
            MachineStore machineStore,
            Providers providers,
            StayPolicy stays,
            Bells bells,
            InstantSource clock,
            Duration keepStep) {
        this.parts = parts;
        this.machineStore = machineStore;
        this.providers = providers;
        this.stays = stays;
        this.bells = bells;
        this.clock = clock;
        this.keepStep = keepStep;
    }

    /** Wires sign-ins to what they work with. */
    public static Sessions over(
            Machines machines,
            CliMachines cliMachines,
            SessionStore sessions,
            MachineStore machineStore,
            TimelineStore timelines,
            Vault vault,
            Providers providers,
            StayPolicy stays,
            Lease lease,
            Bells bells,
            Room room,
            OutcomeListener outcomes,
            Settings.Timing timing) {
        return new Sessions(
                new SignInFlow.Parts(
                        machines, cliMachines, sessions, timelines, vault, timing.user(), lease, room, outcomes),
                machineStore,
                providers,
                stays,
                bells,
                InstantSource.system(),
                timing.keepStep());
    }

    /**
     * Begins a sign-in and returns at once; all that follows is on its timeline.
     *
     * @throws FailureException UNKNOWN_PROVIDER, or SIGN_IN_RUNNING when one of this user to this provider is under way
     */
    public StoredSession start(UserId user, String providerName) {
        Provider provider = provider(providerName);
        if (closing) {
            throw FailureException.of(CauseCode.HOST_RESTARTED, "The controller is shutting down.");
        }
        // Refused before anything is written; what waits is written down, and goes on after a restart.
        Place place = roomFor(user, provider.id());
        boolean used = false;
        try {
            StoredSession session =
                    parts.sessions().create(user, provider.id(), parts.lease().host());
            if (isOurs(session)) {
                used = work(session, place);
            } else {
                bells.session(session.id());
            }
            return session;
        } finally {
            if (!used) {
                place.close();
            }
        }
    }

    private Place roomFor(UserId user, ProviderId provider) {
        try {
            return parts.room().forSignIn(user, !parts.cliMachines().has(user));
        } catch (FailureException e) {
            // Whoever has one under way is told of that, whether there would be room for another or not.
            parts.sessions().mustNotRun(user, provider);
            throw e;
        }
    }

    /**
     * Begins a sign-in in the place of the one of this user to this provider that is under way, if there is one: that is cancelled.
     *
     * @throws FailureException UNKNOWN_PROVIDER; CONFLICT when the one that is under way has credentials that are being handed over
     */
    public StoredSession startAgain(UserId user, String providerName, String by) {
        ProviderId provider = provider(providerName).id();
        Optional<StoredSession> before = parts.sessions().runningOf(user, provider);
        if (before.isPresent()) {
            cancel(before.get().id(), by + ", who starts again");
        }
        return start(user, providerName);
    }

    /**
     * Begins a sign-in like one that came to nothing.
     *
     * @throws FailureException CONFLICT when {@code session} is under way or completed
     */
    public StoredSession retry(StoredSession session) {
        if (!session.status().isEnded() || session.status() == SessionStatus.COMPLETED) {
            throw FailureException.of(
                    CauseCode.CONFLICT, "The session is " + session.status().wire() + ": there is nothing to retry.");
        }
        release(session);
        return start(session.user(), session.provider().value());
    }

    /** Ends a session that is not at its end. Its machine goes at once. */
    public StoredSession cancel(SessionId id, String by) {
        StoredSession cancelled = parts.sessions()
                .transition(
                        Scope.all(),
                        id,
                        SessionLife.Event.CANCEL,
                        SessionChange.none().saying("Cancelled by " + by + "."));
        stop(cancelled);
        endBrowserNow(cancelled);
        return cancelled;
    }

    /**
     * Says that the page needs the browser machine no more: it goes at once.
     *
     * @throws FailureException CONFLICT while the session has not ended
     */
    public void release(StoredSession session) {
        endBrowserNow(parts.sessions().release(session.id()));
    }

    /**
     * Asks for the browser machine of an ended session to stay for a while longer.
     *
     * @return until when it stays now
     * @throws FailureException CONFLICT while the session has not ended, or when its machine is gone or going
     */
    public Instant keep(StoredSession session) {
        if (browser(session).isEmpty() && !hasBrowser(session)) {
            throw FailureException.of(CauseCode.CONFLICT, "Its browser machine is gone.");
        }
        Instant most = stays.keepableUntil(session);
        Instant wanted = clock.instant().plus(keepStep);
        return stays.browserDue(parts.sessions().keep(session.id(), wanted.isAfter(most) ? most : wanted));
    }

    /** Until when the browser machine of an ended session stays as things are; empty when it is gone, or the session has not ended. */
    public Optional<Instant> staysUntil(StoredSession session) {
        return session.endedAt() != null && browser(session).isPresent()
                ? Optional.of(stays.browserDue(session))
                : Optional.empty();
    }

    /** True until a session's last word: its end, and that of its browser machine. */
    public boolean isActive(SessionId id) {
        if (flows.containsKey(id)) {
            return true;
        }
        return parts.sessions()
                .find(Scope.all(), id)
                .filter(session -> !session.status().isEnded() || hasBrowser(session))
                .isPresent();
    }

    /** How many sign-ins this host works on. */
    public int active() {
        return flows.size();
    }

    /** The browser machine of a session, while it is up on this host. */
    public Optional<LiveMachine> browser(StoredSession session) {
        return Optional.ofNullable(session.browserMachine()).flatMap(parts.machines()::find);
    }

    /** The URL that the tool asked a browser for; null while it has not. */
    public @Nullable String oauthUrl(StoredSession session) throws InterruptedException {
        return liveBrowser(session).agent().oauthUrl(session.id().value()).url();
    }

    /** What is there of the credential files, without their content. */
    public CredentialStatus credentialStatus(StoredSession session) throws InterruptedException {
        return liveBrowser(session).agent().credentialStatus(session.id().value());
    }

    /** Replays to the tool what the user's own browser ended on. */
    public void callback(StoredSession session, String addressOrCode) throws InterruptedException {
        liveBrowser(session).agent().callback(new Callback(session.id().value(), addressOrCode));
        parts.sessions().seen(session.id());
    }

    /** Goes on with all that this host is to work on, after {@link Machines#restore()}. */
    public void resume() {
        parts.sessions().forgetViewers(parts.lease().host());
        reconcile();
    }

    /** Works on what nobody here works on, and sets the timers of ended sessions whose browser machines are still there. */
    public void reconcile() {
        parts.sessions().idsNotEnded(parts.lease().host()).stream()
                .filter(id -> !flows.containsKey(id))
                .flatMap(id -> parts.sessions().find(Scope.all(), id).stream())
                .filter(session -> !session.status().isEnded())
                .forEach(this::work);
        parts.sessions()
                .endedWithBrowser(parts.lease().host())
                .forEach(session -> parts.sessions().resetTimers(session.id()));
    }

    /** Looks at a session of which another controller has told that it changed. */
    public void rung(SessionId id) {
        parts.sessions().find(Scope.all(), id).filter(this::isOurs).ifPresent(session -> {
            if (session.status().isEnded()) {
                stop(session);
            } else {
                work(session);
            }
        });
    }

    /**
     * What the timer {@link StayPolicy#BROWSER_END} does.
     *
     * @return when to look again; empty when there is nothing more to do
     */
    public Optional<Instant> endBrowserIfDue(SessionId id) {
        Optional<StoredSession> found = parts.sessions().find(Scope.all(), id);
        if (found.isEmpty() || found.get().endedAt() == null || !hasBrowser(found.get())) {
            return Optional.empty();
        }
        Instant due = stays.browserDue(found.get());
        if (clock.instant().isBefore(due)) {
            return Optional.of(due);
        }
        endBrowserNow(found.get());
        return Optional.empty();
    }

    /**
     * What the timer {@link StayPolicy#SESSION_EXPIRY} does.
     *
     * @return when to look again; empty when there is nothing more to do
     */
    public Optional<Instant> expireIfDue(SessionId id) {
        Optional<Instant> due = parts.sessions().find(Scope.all(), id).flatMap(stays::expiryDue);
        if (due.isEmpty() || clock.instant().isBefore(due.get())) {
            return due;
        }
        StoredSession expired = parts.sessions()
                .transition(
                        Scope.all(),
                        id,
                        SessionLife.Event.EXPIRE,
                        SessionChange.none().cause(Cause.of(CauseCode.USER_TIME_OUT, "Nobody watched or answered.")));
        stop(expired);
        return Optional.empty();
    }

    /** Ends all sign-ins of this host. */
    @Override
    public void close() {
        halt();
        for (StoredSession left : parts.sessions().notEnded(parts.lease().host())) {
            parts.sessions()
                    .transition(
                            Scope.all(),
                            left.id(),
                            SessionLife.Event.FAIL,
                            SessionChange.none().cause(Cause.of(CauseCode.HOST_RESTARTED, "")));
        }
    }

    /** Works on none of them any more: the next controller goes on with them. */
    public void leave() {
        halt();
    }

    /** Drops all that this host works on: it is nobody's any more. */
    public void abandon() {
        stopAll();
    }

    private void halt() {
        closing = true;
        stopAll();
    }

    private void stopAll() {
        List<Thread> open = new ArrayList<>(flows.values());
        open.forEach(Thread::interrupt);
        try {
            for (Thread flow : open) {
                flow.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void work(StoredSession session) {
        work(session, null);
    }

    /**
     * @param place its room; null for the flow to ask for it
     * @return whether a flow was begun, whose the place is then
     */
    private boolean work(StoredSession session, @Nullable Place place) {
        Optional<Provider> provider = providers.find(session.provider());
        if (provider.isEmpty()) {
            parts.sessions()
                    .transition(
                            Scope.all(),
                            session.id(),
                            SessionLife.Event.FAIL,
                            SessionChange.none()
                                    .cause(Cause.of(
                                            CauseCode.UNKNOWN_PROVIDER,
                                            "The provider '" + session.provider() + "' was removed meanwhile.")));
            return false;
        }
        var flow = new SignInFlow(parts, session, provider.get(), place);
        Thread thread = Thread.ofVirtual().name("session " + session.id()).unstarted(() -> {
            try {
                flow.run();
            } finally {
                flows.remove(session.id());
            }
        });
        if (closing || flows.putIfAbsent(session.id(), thread) != null) {
            return false;
        }
        thread.start();
        return true;
    }

    private void stop(StoredSession session) {
        if (isOurs(session)) {
            Thread flow = flows.get(session.id());
            if (flow != null) {
                flow.interrupt();
            }
        } else {
            bells.session(session.id());
        }
    }

    private void endBrowserNow(StoredSession session) {
        MachineId browser = session.browserMachine();
        if (browser != null) {
            // Not in the caller's time: a machine's end takes some hundred milliseconds. Its timer is the second way.
            Thread.ofVirtual().name("end of " + browser).start(() -> {
                try {
                    parts.machines().end(browser, stays.reason(session, clock.instant()));
                } catch (RuntimeException e) {
                    LOG.error("The browser machine {} of session {} could not be ended", browser, session.id(), e);
                }
            });
        }
    }

    private boolean hasBrowser(StoredSession session) {
        MachineId browser = session.browserMachine();
        if (browser == null) {
            return false;
        }
        Optional<StoredMachine> machine = machineStore.find(Scope.all(), browser);
        return machine.isPresent()
                && machine.get().endedAt() == null
                && machine.get().state() != MachineState.LOST;
    }

    private boolean isOurs(StoredSession session) {
        return parts.lease().host().equals(session.host());
    }

    private LiveMachine liveBrowser(StoredSession session) {
        return browser(session)
                .orElseThrow(() -> FailureException.of(
                        CauseCode.CONFLICT, "The session has no browser machine that answers at this moment."));
    }

    private Provider provider(String name) {
        return providers
                .find(new ProviderId(name))
                .orElseThrow(() -> FailureException.of(
                        CauseCode.UNKNOWN_PROVIDER,
                        "There are: "
                                + String.join(
                                        ", ",
                                        providers.all().stream()
                                                .map(known -> known.id().value())
                                                .toList())));
    }
}
