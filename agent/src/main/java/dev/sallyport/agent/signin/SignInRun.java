package dev.sallyport.agent.signin;

import dev.sallyport.agent.Log;
import dev.sallyport.agent.Tools;
import dev.sallyport.agent.credentials.CredentialFiles;
import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.Child;
import dev.sallyport.agent.linux.Launch;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.agentapi.SignIn;
import dev.sallyport.agentapi.SignInState;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Provider.UrlSource;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One sign-in: the tool's own command in a fresh home, watched until it has signed in or failed. One thread decides; what it
 * decides on (URLs, output, the tool's end, a cancellation) is put down under the lock and wakes it.
 */
final class SignInRun {
    /** How long a printed URL waits for one that the tool launches, which may be another. */
    private static final Duration QUIET = Duration.ofSeconds(3);

    /** How long a printed URL that nothing follows yet may go on. */
    private static final Duration CUT_OFF = Duration.ofMillis(500);

    /** How long a tool may take to end when told to. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    /** How long the output of a tool that has ended may come in. */
    private static final Duration LAST_OUTPUT = Duration.ofSeconds(2);

    /** How long a tool that cannot succeed any more may take to say so and end. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(2);

    /** So wide that no tool breaks its URL into lines. */
    private static final Launch.Streams.Terminal TERMINAL = new Launch.Streams.Terminal(50, 2000);

    /** Most cursor position queries answered: a tool that asks more often does not read the answers, which would pile up. */
    private static final int MAX_ANSWERS = 500;

    private static final byte[] CURSOR_AT_HOME = "\u001b[1;1R".getBytes(StandardCharsets.US_ASCII);

    private final String sessionId;
    private final Provider provider;
    private final Tools tools;
    private final Processes processes;
    private final CredentialFiles credentialFiles;
    private final Browser browser;
    private final Log log;
    private final SignInFolder folder;
    private final ToolOutput output;
    private final UrlRule urlRule;
    private final Verdicts verdicts;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long version = 1;
    private SignInState state = SignInState.STARTING;
    private @Nullable URI url;
    private @Nullable UrlSource urlSource;
    private @Nullable Integer exitCode;
    private @Nullable Cause cause;
    private @Nullable Cause pageCause;
    private @Nullable Cause refused;
    private @Nullable Child child;
    private @Nullable String launched;
    private @Nullable UrlSource launchedBy;
    private long printedAt;
    private int answers;
    private boolean cancelled;
    private boolean taken;
    private boolean released;

    SignInRun(
            String sessionId,
            Provider provider,
            Path signIns,
            Tools tools,
            Processes processes,
            CredentialFiles credentialFiles,
            Browser browser,
            Log log) {
        this.sessionId = sessionId;
        this.provider = provider;
        this.tools = tools;
        this.processes = processes;
        this.credentialFiles = credentialFiles;
        this.browser = browser;
        this.log = log;
        folder = new SignInFolder(signIns.resolve(sessionId), tools.account(), processes);
        Provider.SignIn signIn = provider.signIn();
        output = new ToolOutput(
                signIn.urlPattern(), signIn.success().outputPattern(), signIn.closeInputOn(), this::onOutput);
        urlRule = new UrlRule(signIn.authorizationHosts());
        verdicts = new Verdicts(provider, tools.proxy());
    }

    String sessionId() {
        return sessionId;
    }

    /** As it stands. */
    SignIn view() {
        lock.lock();
        try {
            return new SignIn(
                    sessionId,
                    version,
                    state,
                    url == null ? null : url.toString(),
                    urlSource == null ? null : urlSource.name(),
                    exitCode,
                    cause,
                    pageCause);
        } finally {
            lock.unlock();
        }
    }

    boolean isOver() {
        lock.lock();
        try {
            return state != SignInState.STARTING && state != SignInState.AWAITING_USER;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until its version is above {@code after} or {@code atMost} is over. */
    SignIn await(long after, Duration atMost) throws InterruptedException {
        long left = atMost.toNanos();
        lock.lock();
        try {
            while (version <= after && left > 0) {
                left = changed.awaitNanos(left);
            }
            return view();
        } finally {
            lock.unlock();
        }
    }

    /** Ends it, if it is not over, and waits until nothing of it is left. */
    SignIn cancel() throws InterruptedException {
        lock.lock();
        try {
            cancelled = true;
            changed.signalAll();
            while (!isOver()) {
                changed.await();
            }
            return view();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Replays an address or code to the tool.
     *
     * @throws FailureException CONFLICT when the tool does not wait for it, CALLBACK_NOT_ALLOWED when it is not its callback
     */
    SignIn callback(String addressOrCode) {
        URI opened;
        Child tool;
        lock.lock();
        try {
            if (state != SignInState.AWAITING_USER || url == null || child == null) {
                throw FailureException.of(CauseCode.CONFLICT, "The sign-in does not wait for its callback.");
            }
            opened = url;
            tool = child;
        } finally {
            lock.unlock();
        }
        if (provider.signIn().callback().pasteCode() && !addressOrCode.strip().startsWith("http")) {
            paste(tool, addressOrCode.strip());
            return view();
        }
        var rule = new CallbackRule(provider.signIn().callback(), opened);
        URI address = rule.check(addressOrCode);
        Optional<Cause> refusal = rule.refusal(address);
        if (refusal.isPresent()) {
            refuse(refusal.get());
        }
        int status = Replay.get(address);
        log.line(sessionId + ": callback replayed to port " + address.getPort() + ", answered " + status);
        if (status >= 400 && refusal.isEmpty()) {
            throw FailureException.of(
                    CauseCode.CALLBACK_NOT_ALLOWED, "The tool answered it with HTTP status " + status + ".");
        }
        return view();
    }

    /** The tool is told of it by the replay, and has a moment to end by itself. */
    private void refuse(Cause refusal) {
        lock.lock();
        try {
            refused = refusal;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void paste(Child tool, String code) {
        if (code.isEmpty() || code.length() > 4096 || code.chars().anyMatch(Character::isISOControl)) {
            throw FailureException.of(CauseCode.CALLBACK_NOT_ALLOWED, "It is no code that could be typed.");
        }
        // A terminal's Enter key is a carriage return.
        String end = provider.signIn().streams() == Provider.Streams.PTY ? "\r" : "\n";
        try {
            tool.write((code + end).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw FailureException.of(CauseCode.CONFLICT, "The tool does not read its input any more.");
        }
        log.line(sessionId + ": code pasted");
    }

    /** The provider's id. */
    ProviderId provider() {
        return provider.id();
    }

    /** What is there of the credential files; of a sign-in whose credentials were released, nothing. */
    CredentialStatus credentialStatus() {
        lock.lock();
        try {
            if (released || !folder.isThere()) {
                return new CredentialStatus(sessionId, false, List.of());
            }
            CredentialFiles.Findings findings = credentialFiles.look(provider, folder.home());
            return new CredentialStatus(
                    sessionId, state == SignInState.SUCCEEDED && findings.complete(), findings.files());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Hands the credentials out. They stay until they are released: who takes them may be gone before they are safe.
     *
     * @throws FailureException CONFLICT when they were released, or the sign-in has not succeeded
     * @throws IOException when they cannot be read
     */
    CredentialSet take() throws IOException {
        lock.lock();
        try {
            needSuccess();
            if (released) {
                throw FailureException.of(CauseCode.CONFLICT, "The credentials were taken and released already.");
            }
            CredentialSet credentials = credentialFiles.read(provider, folder.home());
            log.line(sessionId + ": credentials taken" + (taken ? " again" : ""));
            taken = true;
            return credentials;
        } finally {
            lock.unlock();
        }
    }

    /** Called with the lock held. */
    private void needSuccess() {
        if (state != SignInState.SUCCEEDED) {
            throw FailureException.of(CauseCode.CONFLICT, "The sign-in has not succeeded.");
        }
    }

    /**
     * Removes the credentials with their home, as they are safe elsewhere. Once more is harmless.
     *
     * @return what is there of them now: nothing
     * @throws FailureException CONFLICT when nobody has taken them, or the sign-in has not succeeded
     * @throws IOException when they cannot be removed
     */
    CredentialStatus release() throws IOException {
        lock.lock();
        try {
            needSuccess();
            if (!taken) {
                throw FailureException.of(
                        CauseCode.CONFLICT, "The credentials have not been taken, so they are nowhere else.");
            }
            folder.remove();
            if (!released) {
                released = true;
                log.line(sessionId + ": credentials released");
            }
            return credentialStatus();
        } finally {
            lock.unlock();
        }
    }

    /** Removes what is left of it; called when it is over. */
    void forget() throws IOException {
        lock.lock();
        try {
            released = true;
            folder.remove();
        } finally {
            lock.unlock();
        }
    }

    /** Runs it to its end. Called once, by the thread that decides. */
    void run() {
        Outcome outcome;
        BrowserCalls calls = null;
        try {
            folder.make();
            calls = new BrowserCalls(folder.path(), processes, tools.account(), this::onLaunch);
            credentialFiles.seed(
                    provider.signIn().seedFiles(),
                    folder.home(),
                    text -> tools.replaceVariables(text, folder.home().path()));
            outcome = watch(start(calls));
        } catch (FailureException e) {
            outcome = new Outcome(SignInState.FAILED, e.reason());
        } catch (InterruptedException e) {
            outcome = new Outcome(SignInState.CANCELLED, null);
        } catch (IOException | RuntimeException e) {
            log.failure(sessionId, e);
            outcome = new Outcome(
                    SignInState.FAILED,
                    Cause.of(CauseCode.UNKNOWN, "The agent could not run the tool.", String.valueOf(e)));
        }
        end(outcome, calls);
    }

    /** How it ended. */
    private record Outcome(SignInState state, @Nullable Cause cause) {}

    private Child start(BrowserCalls calls) throws IOException {
        Path home = folder.home().path();
        Map<String, String> environment = tools.environment(provider, home, Optional.of(calls.programs()));
        environment.put("BROWSER", calls.variable().toString());
        // Tools open no browser where they see no desktop. The machine's own display is not theirs to use.
        environment.putIfAbsent("DISPLAY", ":1");
        environment.put("SALLYPORT_SIGN_IN", sessionId);
        List<String> command = tools.command(provider.signIn().command(), home);
        Verdicts.needProgram(command.getFirst(), environment.get("PATH"));
        try {
            verdicts.needCallbackPort();
        } catch (IOException e) {
            log.failure(sessionId + ": who holds the callback's ports cannot be seen", e);
        }
        Launch.Streams streams =
                provider.signIn().streams() == Provider.Streams.PTY ? TERMINAL : new Launch.Streams.Pipes();
        var launch =
                new Launch(Account.commandAs(tools.account(), command), environment, tools.directory(home), streams);
        Child started;
        try {
            started = processes.start(launch, output);
        } catch (IOException e) {
            throw Verdicts.cannotStart(command.getFirst(), e);
        }
        lock.lock();
        try {
            child = started;
        } finally {
            lock.unlock();
        }
        started.onEnd(this::signal);
        for (String line : provider.signIn().input()) {
            started.write((tools.replaceVariables(line, home) + "\n").getBytes(StandardCharsets.UTF_8));
        }
        log.line(sessionId + ": " + provider.id() + " started as process " + started.pid());
        return started;
    }

    private Outcome watch(Child tool) throws InterruptedException {
        Optional<Outcome> early = awaitUrl(tool);
        if (early.isPresent()) {
            return early.get();
        }
        lock.lock();
        try {
            while (!cancelled && !tool.hasEnded()) {
                if (launched != null && urlSource == UrlSource.OUTPUT) {
                    accept(launched, launchedBy);
                }
                if (isHopeless()) {
                    Optional<Outcome> failed = awaitLastWords(tool);
                    if (failed.isPresent()) {
                        return failed.get();
                    }
                    break;
                }
                changed.await();
            }
            if (cancelled) {
                return new Outcome(SignInState.CANCELLED, null);
            }
        } finally {
            lock.unlock();
        }
        return judge(tool);
    }

    /** Called with the lock held. */
    private boolean isHopeless() {
        return refused != null || verdicts.certain(output).isPresent();
    }

    /**
     * A tool that cannot succeed any more has a moment to end by itself, with its last words. Called with the lock held.
     *
     * @return how it failed; nothing when the tool has ended, and is to be judged
     */
    private Optional<Outcome> awaitLastWords(Child tool) throws InterruptedException {
        long end = System.nanoTime() + LAST_WORDS.toNanos();
        for (long left = LAST_WORDS.toNanos(); !tool.hasEnded() && !cancelled && left > 0; ) {
            changed.awaitNanos(left);
            left = end - System.nanoTime();
        }
        if (cancelled) {
            return Optional.of(new Outcome(SignInState.CANCELLED, null));
        }
        if (tool.hasEnded()) {
            return Optional.empty();
        }
        Cause refusal = refused;
        return Optional.of(new Outcome(
                SignInState.FAILED,
                refusal != null
                        ? Verdicts.refused(refusal, output)
                        : verdicts.certain(output).orElseThrow()));
    }

    /** Waits for the URL; an outcome when there is none to come. */
    private Optional<Outcome> awaitUrl(Child tool) throws InterruptedException {
        long start = System.nanoTime();
        long limit = TimeUnit.SECONDS.toNanos(provider.signIn().urlSeconds());
        lock.lock();
        try {
            while (true) {
                if (cancelled) {
                    return Optional.of(new Outcome(SignInState.CANCELLED, null));
                }
                if (launched != null) {
                    accept(launched, launchedBy);
                    return Optional.empty();
                }
                long now = System.nanoTime();
                long left = start + limit - now;
                Optional<String> printed = printed();
                if (printed.isPresent()) {
                    // The output knows of it a moment before its listener has put the time down.
                    if (printedAt == 0) {
                        printedAt = now;
                    }
                    long ripe = printedAt + printedWait().toNanos() - now;
                    if (ripe <= 0) {
                        accept(printed.get(), UrlSource.OUTPUT);
                        return Optional.empty();
                    }
                    left = Math.min(left, ripe);
                }
                if (tool.hasEnded()) {
                    break;
                }
                if (isHopeless()) {
                    Optional<Outcome> failed = awaitLastWords(tool);
                    if (failed.isPresent()) {
                        return failed;
                    }
                    break;
                }
                if (left <= 0) {
                    return Optional.of(new Outcome(SignInState.FAILED, verdicts.noUrl(tool.pid(), output)));
                }
                changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
        return Optional.of(judge(tool));
    }

    private Optional<String> printed() {
        return sources().contains(UrlSource.OUTPUT) ? output.url() : Optional.empty();
    }

    private List<UrlSource> sources() {
        return provider.signIn().urlFrom();
    }

    /** A printed URL is taken at once where nothing better can come and it is whole. */
    private Duration printedWait() {
        if (sources().stream().anyMatch(source -> source != UrlSource.OUTPUT)) {
            return QUIET;
        }
        return output.urlIsWhole() ? Duration.ZERO : CUT_OFF;
    }

    /** Called with the lock held. */
    private void accept(String text, @Nullable UrlSource source) {
        URI checked = urlRule.check(text);
        url = checked;
        urlSource = source;
        move(SignInState.AWAITING_USER);
        log.line(sessionId + ": URL by " + source + ": " + checked.getScheme() + "://" + checked.getRawAuthority()
                + checked.getRawPath());
        pageCause = null;
        browser.open(checked.toString(), why -> onPage(checked, why));
    }

    private void onPage(URI page, Optional<Cause> why) {
        lock.lock();
        try {
            if (state == SignInState.AWAITING_USER && page.equals(url) && !why.equals(Optional.ofNullable(pageCause))) {
                pageCause = why.orElse(null);
                move(state);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Called with the lock held. */
    private void move(SignInState next) {
        state = next;
        version++;
        changed.signalAll();
    }

    /** Never called with the lock held: the output that it waits for is taken under the lock. */
    private Outcome judge(Child tool) throws InterruptedException {
        int code = tool.awaitExit();
        tool.awaitOutput(LAST_OUTPUT);
        lock.lock();
        try {
            exitCode = code;
        } finally {
            lock.unlock();
        }
        Provider.Success success = provider.signIn().success();
        if (code != success.exitCode() || !output.saidSuccess()) {
            Cause refusal = refused;
            if (refusal != null) {
                return new Outcome(SignInState.FAILED, Verdicts.refused(refusal, output));
            }
            String detail = "It exited with " + code + (code == success.exitCode() ? " without saying so." : ".");
            return new Outcome(SignInState.FAILED, verdicts.ended(code, detail, output, url != null));
        }
        CredentialFiles.Findings findings = credentialFiles.look(provider, folder.home());
        if (!findings.complete()) {
            return failed(
                    CauseCode.CREDENTIALS_INCOMPLETE,
                    String.join("; ", findings.problems()) + ".",
                    findings.problems());
        }
        return new Outcome(SignInState.SUCCEEDED, null);
    }

    private static Outcome failed(CauseCode code, String detail, List<String> evidence) {
        return new Outcome(SignInState.FAILED, new Cause(code, detail, evidence));
    }

    /** Ends all processes first: only then is the home what it stays, and the sign-in over. */
    private void end(Outcome outcome, @Nullable BrowserCalls calls) {
        Child tool;
        lock.lock();
        try {
            tool = child;
        } finally {
            lock.unlock();
        }
        if (tool != null) {
            List<Integer> left = tool.endAll(GRACE, "SALLYPORT_SIGN_IN=" + sessionId);
            if (!left.isEmpty()) {
                log.line(sessionId + ": processes " + left + " cannot be ended");
            }
        }
        try {
            if (calls != null) {
                calls.close();
            }
            if (outcome.state() != SignInState.SUCCEEDED) {
                folder.remove();
            }
        } catch (IOException e) {
            log.failure(sessionId + ": its folder cannot be removed", e);
        }
        lock.lock();
        try {
            child = null;
            cause = outcome.cause();
            move(outcome.state());
        } finally {
            lock.unlock();
        }
        Cause reason = outcome.cause();
        log.line(sessionId + ": " + outcome.state() + (reason == null ? "" : " " + reason.code()));
    }

    private void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void onLaunch(UrlSource source, String text) {
        if (!sources().contains(source)) {
            log.line(sessionId + ": a URL by " + source + " is not asked for");
            return;
        }
        lock.lock();
        try {
            if (launched == null) {
                launched = text;
                launchedBy = source;
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private void onOutput(int queries) {
        Child tool;
        lock.lock();
        try {
            if (output.url().isPresent() && printedAt == 0) {
                printedAt = System.nanoTime();
            }
            tool = child;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (tool == null) {
            return;
        }
        try {
            if (provider.signIn().streams() == Provider.Streams.PTY) {
                for (int i = 0; i < queries && answers < MAX_ANSWERS; i++) {
                    answers++;
                    tool.write(CURSOR_AT_HOME);
                }
            }
            if (output.saidEnd()) {
                tool.closeInput();
            }
        } catch (IOException e) {
            log.failure(sessionId + ": the tool's input", e);
        }
    }
}
