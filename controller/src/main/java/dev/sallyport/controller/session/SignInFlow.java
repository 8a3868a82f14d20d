package dev.sallyport.controller.session;

import dev.sallyport.agentapi.AskStatus;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.ReleaseCredentials;
import dev.sallyport.agentapi.SignIn;
import dev.sallyport.agentapi.SignInState;
import dev.sallyport.agentapi.StartSignIn;
import dev.sallyport.agentapi.TakeCredentials;
import dev.sallyport.agentapi.ToolStatus;
import dev.sallyport.agentapi.WriteCredentials;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.pool.MachineRequest;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionChange;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineStore;
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
import dev.sallyport.vault.Vault;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One sign-in, from its request to the end of its browser machine, on a thread of its own. */
final class SignInFlow implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(SignInFlow.class);
    /** How long one question to the agent may wait for news; between two, what the machine's way out has told is looked at. */
    private static final Duration POLL = Duration.ofSeconds(3);
    /** How long a machine that runs may leave its agent unanswering. */
    private static final Duration SILENCE = Duration.ofSeconds(60);
    /** Between two questions to an agent that cannot be reached; the machine's exit ends it. */
    private static final Duration BREATH = Duration.ofSeconds(1);

    /** The part of a machine's health that tells of its way out. */
    private static final String WAY_OUT = "egress";

    /** What a sign-in works with. */
    record Parts(
            Machines machines,
            CliMachines cliMachines,
            SessionStore sessions,
            TimelineStore timelines,
            Vault vault,
            BrowserStay.Periods periods,
            Duration userTime) {}

    private final Parts parts;
    private final SessionId id;
    private final UserId user;
    private final Provider provider;
    private final BrowserStay stay;
    private final SignInCauses causes;
    private final MachineId browserId = MachineId.random();
    private boolean wayOutSeen;

    SignInFlow(Parts parts, StoredSession session, Provider provider, BrowserStay stay) {
        this.parts = parts;
        this.id = session.id();
        this.user = session.user();
        this.provider = provider;
        this.stay = stay;
        causes = new SignInCauses(provider);
    }

    MachineId browserId() {
        return browserId;
    }

    @Override
    public void run() {
        try {
            signIn();
            stay.afterSuccess();
        } catch (FailureException e) {
            fail(e.reason());
            stay.afterFailure();
        } catch (InterruptedException e) {
            // Cancelled, or the controller is shutting down: whoever did it has written it down.
            LOG.debug("Session {} was interrupted", id);
        } catch (RuntimeException e) {
            LOG.error("Session {} failed for a reason that has no name", id, e);
            fail(Cause.of(CauseCode.UNKNOWN, e.getClass().getSimpleName()));
        } finally {
            endBrowser();
        }
    }

    private void signIn() throws InterruptedException {
        FutureTask<LiveMachine> cli = aside("cli", () -> parts.cliMachines().of(user, id));
        LiveMachine browser = parts.machines()
                .start(browserId, new MachineRequest(VmType.BROWSER, user, id, Set.copyOf(provider.egress())));
        transition(SessionLife.Event.BROWSER_READY, SessionChange.none().browserMachine(browserId));
        if (cli.isDone()) {
            resultOf(cli); // Where the hand-over cannot work, the user is not asked to sign in first.
        }

        browser.agent().startSignIn(new StartSignIn(id.value(), provider));
        SignIn opened = await(
                browser,
                SignInState.AWAITING_USER,
                0,
                Duration.ofSeconds(provider.signIn().urlSeconds() + 60L));
        transition(
                SessionLife.Event.URL_OPENED,
                SessionChange.none()
                        .saying("The sign-in page is open: the user's part.")
                        .detail("host", hostOf(opened))
                        .detail("url_source", String.valueOf(opened.urlSource())));

        awaitUser(browser, opened.version());
        transition(
                SessionLife.Event.SIGNED_IN,
                SessionChange.none().saying("The tool signed in; its credentials are taken over."));
        handOver(browser, cli);
    }

    private void awaitUser(LiveMachine browser, long version) throws InterruptedException {
        try {
            await(browser, SignInState.SUCCEEDED, version, parts.userTime());
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.USER_TIME_OUT) {
                throw e;
            }
            parts.sessions()
                    .transition(
                            Scope.all(),
                            id,
                            SessionLife.Event.EXPIRE,
                            SessionChange.none().cause(e.reason()));
            throw e;
        }
    }

    /** From here on the credentials exist in one place alone: each step leaves them safe before the next begins. */
    private void handOver(LiveMachine browser, FutureTask<LiveMachine> cli) throws InterruptedException {
        CredentialSet taken = browser.agent().takeCredentials(new TakeCredentials(id.value()));
        long version = parts.vault().version(user, provider.id());
        parts.vault().seal(user, provider.id(), toVault(taken), version);
        browser.agent().releaseCredentials(new ReleaseCredentials(id.value()));
        record(
                "vault.sealed",
                "The credentials are sealed in the vault.",
                Map.of("files", Integer.toString(taken.files().size())));

        LiveMachine machine = resultOf(cli);
        parts.sessions().update(Scope.all(), id, SessionChange.none().cliMachine(machine.id()));
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
        transition(
                SessionLife.Event.PROVED,
                SessionChange.none()
                        .proof(status.output().strip())
                        .saying("The tool in the CLI machine is signed in."));
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
    private SignIn await(LiveMachine browser, SignInState wanted, long after, Duration atMost)
            throws InterruptedException {
        Instant began = Instant.now();
        Instant deadline = began.plus(atMost);
        long version = after;
        while (true) {
            Duration left = Duration.between(Instant.now(), deadline);
            if (left.isNegative()) {
                Cause late = Cause.of(
                        wanted == SignInState.SUCCEEDED ? CauseCode.USER_TIME_OUT : CauseCode.URL_NOT_SHOWN,
                        "Waited " + atMost.toSeconds() + " s.");
                throw new FailureException(causes.join(late, browser.egress()));
            }
            SignIn now = ask(browser, version, left.compareTo(POLL) < 0 ? left : POLL);
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
            told = browser.agent().health().parts().getOrDefault(WAY_OUT, "");
        } catch (FailureException e) {
            LOG.debug("The agent of {} was too busy to tell of its way out", browserId);
            return; // The next turn asks again, and the agent's silence is judged elsewhere.
        }
        wayOutSeen = told.equals("ok");
        if (told.startsWith("failed")) {
            throw FailureException.of(
                    CauseCode.EGRESS_DOWN, "The agent could not connect to it.", WAY_OUT + ": " + told);
        }
    }

    /** Asks the agent for news. A machine that runs may be busy for a while: its silence ends the wait only when it lasts. */
    private SignIn ask(LiveMachine browser, long version, Duration atMost) throws InterruptedException {
        Instant patience = Instant.now().plus(atMost).plus(SILENCE);
        boolean told = false;
        while (true) {
            try {
                return browser.agent().awaitSignIn(id.value(), version, atMost);
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

    private void transition(SessionLife.Event event, SessionChange change) {
        parts.sessions().transition(Scope.all(), id, event, change);
    }

    private void record(String step, String text, Map<String, String> details) {
        parts.timelines().append(TimelineId.of(id), step, text, details);
    }

    private void fail(Cause cause) {
        try {
            transition(
                    SessionLife.Event.FAIL,
                    SessionChange.none().cause(cause).saying(cause.code().sentence()));
        } catch (FailureException e) {
            // It ended otherwise in the meantime (cancelled, expired): that ending stands.
            LOG.debug("Session {} had already ended when it failed with {}", id, cause.code());
        }
    }

    private void endBrowser() {
        Thread.interrupted(); // The clean-up is done whole; this thread does nothing after it.
        try {
            parts.machines().find(browserId).ifPresent(live -> {
                record("browser.ending", "The browser machine ends: " + stay.reason() + ".", Map.of());
                parts.machines().end(browserId, stay.reason());
                record("browser.ended", "The browser machine is gone.", Map.of());
            });
        } catch (RuntimeException e) {
            LOG.error("The browser machine {} of session {} could not be ended", browserId, id, e);
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
