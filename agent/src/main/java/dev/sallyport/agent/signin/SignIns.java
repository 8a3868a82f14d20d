package dev.sallyport.agent.signin;

import dev.sallyport.agent.Log;
import dev.sallyport.agent.Tools;
import dev.sallyport.agent.credentials.CredentialFiles;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.agentapi.SignIn;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.InvalidIdException;
import dev.sallyport.model.SessionId;
import dev.sallyport.provider.Provider;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.PatternSyntaxException;

/** The machine's sign-ins: one under way at the most, as tools share their callback ports. */
public final class SignIns implements AutoCloseable {
    /** Most sign-ins that are remembered; the oldest are forgotten first, with what is left of them. */
    private static final int MAX_REMEMBERED = 8;

    private final Path folder;
    private final Tools tools;
    private final Processes processes;
    private final CredentialFiles credentialFiles;
    private final Browser browser;
    private final Log log;
    private final Map<String, SignInRun> runs = new LinkedHashMap<>();

    /**
     * No sign-in yet.
     *
     * @param folder where each gets a folder of its own
     */
    public SignIns(
            Path folder, Tools tools, Processes processes, CredentialFiles credentialFiles, Browser browser, Log log) {
        this.folder = folder;
        this.tools = tools;
        this.processes = processes;
        this.credentialFiles = credentialFiles;
        this.browser = browser;
        this.log = log;
    }

    /**
     * Starts one. Who asks again, as a controller does that was restarted meanwhile, gets the session's sign-in as it stands:
     * under way or over, it is not started twice.
     *
     * @throws FailureException CONFLICT when another session's is under way, or the session's is another provider's; BAD_REQUEST
     *     when the id or the provider is malformed
     */
    public SignIn start(String sessionId, Provider provider) {
        checkId(sessionId);
        SignInRun run;
        synchronized (runs) {
            SignInRun present = runs.get(sessionId);
            if (present != null) {
                if (!present.provider().equals(provider.id())) {
                    throw FailureException.of(
                            CauseCode.CONFLICT, "This session's sign-in is one of " + present.provider() + ".");
                }
                return present.view();
            }
            if (active() > 0) {
                throw FailureException.of(CauseCode.CONFLICT, "Another sign-in is under way in this machine.");
            }
            if (provider.signIn().command().isEmpty() || provider.signIn().urlSeconds() < 1) {
                throw FailureException.of(
                        CauseCode.BAD_REQUEST, "The provider has no sign-in command or no time limit.");
            }
            try {
                run = new SignInRun(sessionId, provider, folder, tools, processes, credentialFiles, browser, log);
            } catch (PatternSyntaxException e) {
                throw FailureException.of(
                        CauseCode.BAD_REQUEST,
                        "One of the provider's patterns is no regular expression.",
                        e.getPattern());
            }
            forgetOldest();
            runs.put(sessionId, run);
        }
        Thread.ofVirtual().name("sign-in").start(run::run);
        return run.view();
    }

    private static void checkId(String sessionId) {
        try {
            new SessionId(sessionId);
        } catch (InvalidIdException e) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The session's id is not well-formed.");
        }
    }

    private void forgetOldest() {
        Iterator<SignInRun> oldest = runs.values().iterator();
        while (runs.size() >= MAX_REMEMBERED && oldest.hasNext()) {
            SignInRun run = oldest.next();
            oldest.remove();
            try {
                run.forget();
            } catch (IOException e) {
                log.failure(run.sessionId() + ": its folder cannot be removed", e);
            }
        }
    }

    /** How many are under way. */
    public int active() {
        synchronized (runs) {
            return (int) runs.values().stream().filter(run -> !run.isOver()).count();
        }
    }

    private SignInRun run(String sessionId) {
        synchronized (runs) {
            SignInRun run = runs.get(sessionId);
            if (run == null) {
                throw FailureException.of(CauseCode.NOT_FOUND, "There is no sign-in of this session in this machine.");
            }
            return run;
        }
    }

    /** The sign-in when its version is above {@code after}, else when it changes or {@code atMost} is over. */
    public SignIn await(String sessionId, long after, Duration atMost) throws InterruptedException {
        return run(sessionId).await(after, atMost);
    }

    /** Ends it and waits until nothing of it is left. */
    public SignIn cancel(String sessionId) throws InterruptedException {
        return run(sessionId).cancel();
    }

    /**
     * Replays an address or code to the tool.
     *
     * @throws FailureException CONFLICT or CALLBACK_NOT_ALLOWED
     */
    public SignIn callback(String sessionId, String addressOrCode) {
        return run(sessionId).callback(addressOrCode);
    }

    /** What is there of its credential files. */
    public CredentialStatus credentialStatus(String sessionId) {
        return run(sessionId).credentialStatus();
    }

    /**
     * Hands its credentials out, as often as asked until they are released.
     *
     * @throws FailureException CONFLICT
     * @throws IOException when they cannot be read
     */
    public CredentialSet take(String sessionId) throws IOException {
        return run(sessionId).take();
    }

    /**
     * Removes its credentials, which are safe elsewhere.
     *
     * @throws FailureException CONFLICT
     * @throws IOException when they cannot be removed
     */
    public CredentialStatus release(String sessionId) throws IOException {
        return run(sessionId).release();
    }

    /** Ends all that are under way. */
    @Override
    public void close() {
        java.util.List<SignInRun> all;
        synchronized (runs) {
            all = java.util.List.copyOf(runs.values());
        }
        for (SignInRun run : all) {
            try {
                run.cancel();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
