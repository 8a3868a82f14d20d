package dev.sallyport.controller.session;

import dev.sallyport.agentapi.Callback;
import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionChange;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.UserId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What can be done with sign-ins: start, follow, help along, cancel. Each runs in a {@link SignInFlow} of its own. */
public final class Sessions implements AutoCloseable {
    private final SignInFlow.Parts parts;
    private final Providers providers;
    private final Map<SessionId, Running> running = new ConcurrentHashMap<>();
    private volatile boolean closing;

    private record Running(SignInFlow flow, BrowserStay stay, Thread thread) {}

    Sessions(SignInFlow.Parts parts, Providers providers) {
        this.parts = parts;
        this.providers = providers;
    }

    /** Wires sign-ins to what they work with. */
    public static Sessions over(
            dev.sallyport.controller.pool.Machines machines,
            dev.sallyport.controller.pool.CliMachines cliMachines,
            dev.sallyport.controller.store.SessionStore sessions,
            dev.sallyport.controller.store.TimelineStore timelines,
            dev.sallyport.vault.Vault vault,
            Providers providers,
            dev.sallyport.controller.Settings.Timing timing) {
        var periods =
                new BrowserStay.Periods(timing.graceAfterSuccess(), timing.graceAfterFailure(), timing.graceAtMost());
        return new Sessions(
                new SignInFlow.Parts(machines, cliMachines, sessions, timelines, vault, periods, timing.user()),
                providers);
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
        StoredSession session = parts.sessions().create(user, provider.id());
        var stay = new BrowserStay(parts.periods(), InstantSource.system());
        var flow = new SignInFlow(parts, session, provider, stay);
        Thread thread = Thread.ofVirtual().name("session " + session.id()).unstarted(() -> {
            try {
                flow.run();
            } finally {
                running.remove(session.id());
            }
        });
        running.put(session.id(), new Running(flow, stay, thread));
        thread.start();
        return session;
    }

    /** Ends a session that is not at its end. Its machine goes at once. */
    public StoredSession cancel(SessionId id, String by) {
        StoredSession cancelled = parts.sessions()
                .transition(
                        Scope.all(),
                        id,
                        SessionLife.Event.CANCEL,
                        SessionChange.none().saying("Cancelled by " + by + "."));
        Running flow = running.get(id);
        if (flow != null) {
            flow.thread().interrupt();
        }
        return cancelled;
    }

    /**
     * Says that the page needs the browser machine no more.
     *
     * @throws FailureException CONFLICT while the session has not ended
     */
    public void release(StoredSession session) {
        if (!session.status().isEnded()) {
            throw FailureException.of(
                    CauseCode.CONFLICT,
                    "The session is " + session.status().wire() + ": cancel it, or finish the sign-in.");
        }
        Running flow = running.get(session.id());
        if (flow != null) {
            flow.stay().release();
        }
    }

    /** Says how many watch a session's screen now. */
    public void watching(SessionId id, int now) {
        Running flow = running.get(id);
        if (flow != null) {
            flow.stay().watching(now);
        }
    }

    /** True until a session's last word: its end, and that of its browser machine. */
    public boolean isActive(SessionId id) {
        return running.containsKey(id);
    }

    /** How many sign-ins are under way. */
    public int active() {
        return running.size();
    }

    /** The browser machine of session {@code id}, while it is up. */
    public Optional<LiveMachine> browser(SessionId id) {
        return Optional.ofNullable(running.get(id))
                .flatMap(flow -> parts.machines().find(flow.flow().browserId()));
    }

    /** The URL that the tool asked a browser for; null while it has not. */
    public @Nullable String oauthUrl(SessionId id) throws InterruptedException {
        return liveBrowser(id).agent().oauthUrl(id.value()).url();
    }

    /** What is there of the credential files, without their content. */
    public CredentialStatus credentialStatus(SessionId id) throws InterruptedException {
        return liveBrowser(id).agent().credentialStatus(id.value());
    }

    /** Replays to the tool what the user's own browser ended on. */
    public void callback(SessionId id, String addressOrCode) throws InterruptedException {
        liveBrowser(id).agent().callback(new Callback(id.value(), addressOrCode));
    }

    /** Fails what a controller that ended in the middle of it has left. */
    public void failLeftovers() {
        for (StoredSession left : parts.sessions().notEnded()) {
            parts.sessions()
                    .transition(
                            Scope.all(),
                            left.id(),
                            SessionLife.Event.FAIL,
                            SessionChange.none().cause(Cause.of(CauseCode.HOST_RESTARTED, "")));
        }
    }

    /** Ends all sign-ins and waits for their browser machines' ends. */
    @Override
    public void close() {
        closing = true;
        List<Running> open = new ArrayList<>(running.values());
        open.forEach(flow -> flow.thread().interrupt());
        try {
            for (Running flow : open) {
                flow.thread().join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        failLeftovers();
    }

    private LiveMachine liveBrowser(SessionId id) {
        return browser(id)
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
