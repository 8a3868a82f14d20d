package dev.sallyport.controller.session;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.AskStatus;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.ReleaseCredentials;
import dev.sallyport.agentapi.SignIn;
import dev.sallyport.agentapi.SignInState;
import dev.sallyport.agentapi.StartSignIn;
import dev.sallyport.agentapi.TakeCredentials;
import dev.sallyport.agentapi.ToolStatus;
import dev.sallyport.agentapi.WriteCredentials;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.pool.MachineRequest;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Room;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.OutcomeListener;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionChange;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.image.Failures;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.provider.Provider;
import dev.sallyport.vault.CredentialFile;
import dev.sallyport.vault.Opened;
import dev.sallyport.vault.Vault;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One sign-in, from its request to its end, on a thread of its own. Where it stands is in the store alone: each turn reads the status
 * and does what comes next, so that a flow that is begun anew, after its controller was killed, goes on where the one before was.
 */
final class SignInFlow implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(SignInFlow.class);
    /** How long one question to the agent may wait for news; between two, what the machine's way out has told is looked at. */
    private static final Duration POLL = Duration.ofSeconds(3);
    /** The same once the page has been open for a while: breaks in the network are waited for then, for as long. */
    private static final Duration LATER_POLL = SignInCauses.LASTING_LATER;

    private static final Duration A_WHILE = SignInCauses.OPENING.plusSeconds(5);
    /** How long a machine that runs may leave its agent unanswering. */
    private static final Duration SILENCE = Duration.ofSeconds(60);
    /** Between two questions to an agent that cannot be reached; the machine's exit ends it. */
    private static final Duration BREATH = Duration.ofSeconds(1);

    /** What a sign-in works with. */
    record Parts(
            Machines machines,
            CliMachines cliMachines,
            SessionStore sessions,
            TimelineStore timelines,
            Vault vault,
            Duration userTime,
            Lease lease,
            Room room,
            OutcomeListener outcomes) {}

    /** Somebody else has ended the session: what they did stands, and there is nothing more to do. */
    private static final class EndedElsewhere extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final Parts parts;
    private final SessionId id;
    private final UserId user;
    private final Provider provider;
    private final SignInCauses causes;
    private final Lease.Term term;
    /** The room that was asked for with the request; null once it is used, and for a flow that goes on after a restart. */
    private @Nullable Place asked;

    private @Nullable FutureTask<LiveMachine> cli;
    private boolean wayOutSeen;

    SignInFlow(Parts parts, StoredSession session, Provider provider, @Nullable Place asked) {
        this.asked = asked;
        this.parts = parts;
        this.id = session.id();
        this.user = session.user();
        this.provider = provider;
        this.term = parts.lease().term();
        causes = new SignInCauses(provider);
    }

    @Override
    public void run() {
        Database.persevering(this::runWhole);
    }

    private void runWhole() {
        try {
            signIn();
        } catch (FailureException e) {
            fail(e.reason());
        } catch (EndedElsewhere e) {
            LOG.debug("Session {} was ended by somebody else", id);
        } catch (InterruptedException e) {
            // Cancelled, or the controller ends: whoever did it has written it down.
            LOG.debug("Session {} was interrupted", id);
        } catch (RuntimeException e) {
            LOG.error("Session {} failed for a reason that has no name", id, e);
            fail(Cause.of(
                    Failures.codeOf(String.valueOf(e.getMessage()), CauseCode.UNKNOWN),
                    e.getClass().getSimpleName()));
        } finally {
            if (asked != null) {
                asked.close();
            }
        }
    }

    private void signIn() throws InterruptedException, EndedElsewhere {
        StoredSession now = parts.sessions().get(Scope.all(), id);
        while (!now.status().isEnded()) {
            term.mustHold();
            now = switch (now.status()) {
                case INITIALIZING -> bringUpBrowser(now);
                case VM_CREATED -> {
                    beginCli();
                    yield openPage(browserOf(now));
                }
                case AWAITING_USER -> {
                    beginCli();
                    yield awaitUser(now, browserOf(now));
                }
                case TRANSFERRING -> handOver(now);
                case COMPLETED, FAILED, CANCELLED, EXPIRED -> now;
            };
        }
    }

    private StoredSession bringUpBrowser(StoredSession now) throws InterruptedException, EndedElsewhere {
        MachineId known = now.browserMachine();
        // One that a controller before this one began is waited for, if it survived.
        if (known == null || parts.machines().await(known).isEmpty()) {
            startBrowser();
        }
        if (cli().isDone()) {
            resultOf(cli()); // Where the hand-over cannot work, the user is not asked to sign in first.
        }
        return move(SessionLife.Event.BROWSER_READY, SessionChange.none());
    }

    private void startBrowser() throws InterruptedException {
        boolean withCli = asked == null && cli == null && !parts.cliMachines().has(user);
        Place place = asked == null ? parts.room().forSignIn(user, withCli) : asked;
        asked = place;
        awaitRoom(place);
        if (cli == null) {
            Place part = place.machines() > 1 ? parts.room().cliPart(place) : null;
            cli = aside("cli", () -> parts.cliMachines().of(user, id, part));
        }
        asked = null; // The machine's from now on.
        parts.machines().start(new MachineRequest(VmType.BROWSER, user, id, Set.copyOf(provider.egress())), place);
    }

    private void awaitRoom(Place place) throws InterruptedException {
        if (place.admitted()) {
            parts.outcomes().queued(Duration.ZERO);
            return;
        }
        Instant began = Instant.now();
        place.await(number -> record(
                "queue.place",
                "The host has no room at this moment: place " + number + " in the queue.",
                Map.of("place", Integer.toString(number))));
        parts.outcomes().queued(Duration.between(began, Instant.now()));
        record("queue.admitted", "There is room.", Map.of());
    }

    private void beginCli() {
        if (cli == null) {
            cli = aside("cli", () -> parts.cliMachines().of(user, id, null));
        }
    }

    /** The user's CLI machine, which comes up beside the sign-in. */
    private FutureTask<LiveMachine> cli() {
        beginCli();
        return Objects.requireNonNull(cli);
    }

    private LiveMachine browserOf(StoredSession now) throws InterruptedException {
        MachineId known = now.browserMachine();
        Optional<LiveMachine> live =
                known == null ? Optional.empty() : parts.machines().await(known);
        return live.orElseThrow(() -> FailureException.of(
                CauseCode.HOST_RESTARTED, "The browser machine did not outlive the controller that had started it."));
    }

    private StoredSession openPage(LiveMachine browser) throws InterruptedException, EndedElsewhere {
        // The same question again, whether it was heard before or not, has the same answer.
        patiently(browser, Duration.ZERO, agent -> agent.startSignIn(new StartSignIn(id.value(), provider)));
        SignIn opened = await(
                browser,
                SignInState.AWAITING_USER,
                Instant.now().plusSeconds(provider.signIn().urlSeconds() + 60L));
        return move(
                SessionLife.Event.URL_OPENED,
                SessionChange.none()
                        .saying("The sign-in page is open: the user's part.")
                        .expiringAt(Instant.now().plus(parts.userTime()))
                        .detail("host", hostOf(opened))
                        .detail("url_source", String.valueOf(opened.urlSource())));
    }

    private StoredSession awaitUser(StoredSession now, LiveMachine browser)
            throws InterruptedException, EndedElsewhere {
        Instant deadline = now.expiresAt();
        try {
            await(
                    browser,
                    SignInState.SUCCEEDED,
                    deadline == null ? Instant.now().plus(parts.userTime()) : deadline);
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.USER_TIME_OUT) {
                throw e;
            }
            return move(SessionLife.Event.EXPIRE, SessionChange.none().cause(e.reason()));
        }
        return move(
                SessionLife.Event.SIGNED_IN,
                SessionChange.none().saying("The tool signed in; its credentials are taken over."));
    }

    /** From here on the credentials exist in one place alone: each step leaves them safe before the next begins. */
    private StoredSession handOver(StoredSession now) throws InterruptedException, EndedElsewhere {
        CredentialSet taken = now.sealedVersion() == null ? seal(browserOf(now)) : sealed();
        LiveMachine machine = resultOf(cli());
        parts.sessions().update(Scope.all(), id, SessionChange.none().cliMachine(machine.id()));
        term.mustHold();
        List<String> written = write(machine, taken);
        record(
                "cli.credentials_written",
                "The CLI machine has the credentials.",
                Map.of("files", String.join(", ", written)));

        ToolStatus status = status(machine);
        if (!status.signedIn()) {
            throw new FailureException(new Cause(
                    CauseCode.PROOF_FAILED,
                    "Its status command ended with " + status.exitCode() + ".",
                    status.output().lines().toList()));
        }
        return move(
                SessionLife.Event.PROVED,
                SessionChange.none()
                        .proof(status.output().strip())
                        .saying("The tool in the CLI machine is signed in."));
    }

    /** The machine gives them as often as it is asked, until it is told that they are safe. */
    private CredentialSet seal(LiveMachine browser) throws InterruptedException {
        CredentialSet taken =
                patiently(browser, Duration.ZERO, agent -> agent.takeCredentials(new TakeCredentials(id.value())));
        long before = parts.vault().version(user, provider.id());
        term.mustHold();
        long version = parts.vault().seal(user, provider.id(), toVault(taken), before);
        parts.sessions().update(Scope.all(), id, SessionChange.none().sealed(version));
        record(
                "vault.sealed",
                "The credentials are sealed in the vault.",
                Map.of("files", Integer.toString(taken.files().size())));
        try {
            browser.agent().releaseCredentials(new ReleaseCredentials(id.value()));
        } catch (FailureException e) {
            LOG.debug("The browser machine {} keeps the credentials until its end", browser.id(), e);
        }
        return taken;
    }

    private CredentialSet sealed() {
        Opened opened = parts.vault()
                .open(user, provider.id())
                .orElseThrow(() -> FailureException.of(
                        CauseCode.HANDOVER_FAILED, "The credentials were removed from the vault in the meantime."));
        return new CredentialSet(
                provider.id().value(),
                opened.files().stream()
                        .map(file -> new CredentialSet.File(file.path(), file.mode(), file.content()))
                        .toList());
    }

    private List<String> write(LiveMachine cli, CredentialSet taken) throws InterruptedException {
        try {
            return cli.agent()
                    .writeCredentials(new WriteCredentials(provider, taken))
                    .paths();
        } catch (FailureException e) {
            Cause met =
                    e.reason().code() == CauseCode.MACHINE_UNREACHABLE ? whyUnreachable(cli, e.reason()) : e.reason();
            throw new FailureException(SignInCauses.handOver(met), e);
        }
    }

    private ToolStatus status(LiveMachine cli) throws InterruptedException {
        try {
            return cli.agent().status(new AskStatus(provider));
        } catch (FailureException e) {
            throw new FailureException(SignInCauses.statusCheck(e.reason()), e);
        }
    }

    /** Waits until the sign-in reaches {@code wanted}; its failure, the machine's end and the deadline end the wait too. */
    private SignIn await(LiveMachine browser, SignInState wanted, Instant deadline) throws InterruptedException {
        Instant began = Instant.now();
        long version = 0;
        while (true) {
            Duration left = Duration.between(Instant.now(), deadline);
            if (left.isNegative()) {
                Cause late = Cause.of(
                        wanted == SignInState.SUCCEEDED ? CauseCode.USER_TIME_OUT : CauseCode.URL_NOT_SHOWN,
                        "Waited until " + deadline.truncatedTo(ChronoUnit.SECONDS) + ".");
                throw new FailureException(causes.join(late, browser.egress()));
            }
            Duration poll = Instant.now().isAfter(began.plus(A_WHILE)) ? LATER_POLL : POLL;
            SignIn now = ask(browser, version, left.compareTo(poll) < 0 ? left : poll);
            version = now.version();
            if (now.state() == SignInState.FAILED) {
                Cause told = now.cause() == null ? Cause.of(CauseCode.TOOL_FAILED, "No reason given.") : now.cause();
                throw new FailureException(causes.join(told, browser.egress()));
            }
            if (now.state() == SignInState.CANCELLED) {
                throw FailureException.of(CauseCode.TOOL_FAILED, "The sign-in was ended inside its machine.");
            }
            if (now.state().compareTo(wanted) >= 0) {
                return now;
            }
            if (now.pageCause() != null) {
                throw new FailureException(causes.pageFailed(now.pageCause(), browser.egress()));
            }
            lookAtWayOut(browser);
            if (now.state() == SignInState.AWAITING_USER) {
                causes.whileWaiting(browser.egress(), began, Instant.now()).ifPresent(cause -> {
                    throw new FailureException(cause);
                });
            }
        }
    }

    /** The agent looks itself whether its machine's way out takes connections; the user need not wait for a page that cannot come. */
    private void lookAtWayOut(LiveMachine browser) throws InterruptedException {
        if (wayOutSeen) {
            return;
        }
        String told;
        try {
            told = browser.wayOut(browser.agent().health());
        } catch (FailureException e) {
            LOG.debug("The agent of {} was too busy to tell of its way out", browser.id());
            return; // The next turn asks again, and the agent's silence is judged elsewhere.
        }
        wayOutSeen = told.equals("ok");
        if (told.startsWith("failed")) {
            throw FailureException.of(CauseCode.EGRESS_DOWN, "The agent could not connect to it.", "egress: " + told);
        }
    }

    /** Asks the agent for news. */
    private SignIn ask(LiveMachine browser, long version, Duration atMost) throws InterruptedException {
        return patiently(browser, atMost, agent -> agent.awaitSignIn(id.value(), version, atMost));
    }

    /** A question to an agent. */
    @FunctionalInterface
    private interface Question<T> {
        T ask(AgentClient agent) throws InterruptedException;
    }

    /** Asks until there is an answer. A machine that runs may be busy for a while: its silence ends the wait only when it lasts. */
    private <T> T patiently(LiveMachine browser, Duration atMost, Question<T> question) throws InterruptedException {
        Instant patience = Instant.now().plus(atMost).plus(SILENCE);
        boolean told = false;
        while (true) {
            try {
                return question.ask(browser.agent());
            } catch (FailureException e) {
                if (e.reason().code() != CauseCode.MACHINE_UNREACHABLE) {
                    throw e;
                }
                boolean ended = browser.machine().awaitExit(BREATH).isPresent();
                if (ended || Instant.now().isAfter(patience)) {
                    throw new FailureException(whyUnreachable(browser, e.reason()), e);
                }
                if (!told) {
                    record("browser.slow", "The browser machine's agent is slow to answer.", Map.of());
                    told = true;
                }
            }
        }
    }

    /** A machine that does not answer may have ended, which says more. */
    private static Cause whyUnreachable(LiveMachine browser, Cause seen) {
        Optional<MachineExit> exit = browser.machine().exit();
        if (exit.isEmpty()) {
            return new Cause(
                    seen.code(), seen.detail(), browser.machine().console().lastLines(10));
        }
        CauseCode code = switch (exit.get().kind()) {
            case GUEST_PANIC -> CauseCode.KERNEL_PANIC;
            case HYPERVISOR_FAILED ->
                exit.get().exitCode() > 128 ? CauseCode.HYPERVISOR_KILLED : CauseCode.HYPERVISOR_FAILED;
            case GUEST_SHUTDOWN, DESTROYED -> CauseCode.MACHINE_ENDED;
        };
        var evidence = new ArrayList<>(exit.get().evidence());
        evidence.addAll(browser.machine().console().lastLines(10));
        return new Cause(
                code, "It ended while the sign-in ran, with " + exit.get().exitCode() + ".", evidence);
    }

    /** @return the session as the move left it: what comes next needs no second look, since each move takes the row as it finds it */
    private StoredSession move(SessionLife.Event event, SessionChange change) throws EndedElsewhere {
        try {
            return parts.sessions().transition(Scope.all(), id, event, change);
        } catch (FailureException e) {
            if (e.reason().code() == CauseCode.CONFLICT
                    && parts.sessions().get(Scope.all(), id).status().isEnded()) {
                throw new EndedElsewhere();
            }
            throw e;
        }
    }

    private void record(String step, String text, Map<String, String> details) {
        parts.timelines().note(List.of(new TimelineStore.Entry(TimelineId.of(id), step, text, details)));
    }

    private void fail(Cause cause) {
        try {
            move(
                    SessionLife.Event.FAIL,
                    SessionChange.none().cause(cause).saying(cause.code().sentence()));
        } catch (EndedElsewhere e) {
            // Cancelled, expired, or lost with its host: that ending stands.
            LOG.debug("Session {} had already ended when it failed with {}", id, cause.code());
        }
    }

    private static <T> FutureTask<T> aside(String name, Callable<T> work) {
        var task = new FutureTask<>(work);
        Thread.ofVirtual().name(name).start(task);
        return task;
    }

    private static LiveMachine resultOf(FutureTask<LiveMachine> task) throws InterruptedException {
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException runtime) {
                throw runtime;
            }
            throw new IllegalStateException("the CLI machine's start ended in an unexpected way", e.getCause());
        }
    }

    private static List<CredentialFile> toVault(CredentialSet taken) {
        return taken.files().stream()
                .map(file -> new CredentialFile(file.path(), file.mode(), file.content()))
                .toList();
    }

    private static String hostOf(SignIn opened) {
        return opened.url() == null
                ? ""
                : String.valueOf(URI.create(opened.url()).getHost());
    }
}
