package dev.sallyport.agent.signin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.agent.Bench;
import dev.sallyport.agent.TestProvider;
import dev.sallyport.agentapi.Callback;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.agentapi.ReleaseCredentials;
import dev.sallyport.agentapi.SignIn;
import dev.sallyport.agentapi.SignInState;
import dev.sallyport.agentapi.StartSignIn;
import dev.sallyport.agentapi.TakeCredentials;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Provider.CredentialFile;
import dev.sallyport.provider.Provider.Format;
import dev.sallyport.provider.Provider.SeedFile;
import dev.sallyport.provider.Provider.Streams;
import dev.sallyport.provider.Provider.UrlSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sign-ins of small scripts that behave as real tools do, through the agent's HTTP port. */
@Timeout(60)
class SignInsTest {
    private static final String URL = "https://id.example.test/authorize?state=abc";
    private static final String WRITE = "umask 077; printf '{\"token\":\"t\"}' > $HOME/auth.json\n";
    private static final String SHELL = "#!/bin/sh\n";

    @TempDir
    Path folder;

    private final String session = SessionId.random().value();
    private Bench bench;

    @BeforeEach
    void start() throws IOException {
        bench = new Bench(folder);
    }

    @AfterEach
    void stop() throws IOException {
        bench.close();
    }

    private SignIn begin(TestProvider provider) throws InterruptedException {
        return bench.client().startSignIn(new StartSignIn(session, provider.make()));
    }

    private SignIn await(SignInState state) throws InterruptedException {
        SignIn now = bench.client().signIn(session);
        while (now.state().compareTo(state) < 0) {
            now = bench.client().awaitSignIn(session, now.version(), Duration.ofSeconds(30));
        }
        assertThat(now.state()).as("state, with cause %s", now.cause()).isEqualTo(state);
        return now;
    }

    private Cause awaitFailure(CauseCode code) throws InterruptedException {
        Cause cause = await(SignInState.FAILED).cause();
        assertThat(cause).isNotNull();
        assertThat(cause.code()).as("cause %s", cause).isEqualTo(code);
        assertThat(bench.run().resolve("signins").resolve(session))
                .as("nothing is left of a failed sign-in")
                .doesNotExist();
        return cause;
    }

    @ParameterizedTest
    @CsvSource({"BROWSER_VARIABLE,\"$BROWSER\"", "XDG_OPEN,xdg-open", "XDG_OPEN,sensible-browser --new-window"})
    void aLaunchedUrlIsCaught(UrlSource source, String program) throws Exception {
        bench.tool("tool", SHELL + program + " '" + URL + "' || exit 9\nread go\n" + WRITE);
        begin(new TestProvider().callback(true));

        SignIn waiting = await(SignInState.AWAITING_USER);

        assertThat(waiting.url()).isEqualTo(URL);
        assertThat(waiting.urlSource()).isEqualTo(source.name());
        assertThat(bench.client().oauthUrl(session).url()).isEqualTo(URL);
        bench.client().callback(new Callback(session, "go"));
        assertThat(await(SignInState.SUCCEEDED).exitCode()).isZero();
    }

    @Test
    void aPrintedUrlIsCaughtWhereNothingElseCanCome() throws Exception {
        bench.tool(
                "tool",
                SHELL + "printf 'Go to: https://id.example.test/au'; sleep 0.1; echo 'thorize?state=abc'\nread go\n"
                        + WRITE);
        begin(new TestProvider()
                .urlFrom("Go to: (https://\\S+)", UrlSource.OUTPUT)
                .callback(true));

        SignIn waiting = await(SignInState.AWAITING_USER);

        assertThat(waiting.url()).as("the whole URL, though it came in pieces").isEqualTo(URL);
        assertThat(waiting.urlSource()).isEqualTo("OUTPUT");
        bench.client().callback(new Callback(session, "go"));
        await(SignInState.SUCCEEDED);
    }

    @Test
    void theLaunchedUrlWinsOverThePrintedOne() throws Exception {
        bench.tool(
                "tool",
                SHELL + "echo visit: https://id.example.test/manual\nsleep 0.5\n$BROWSER '" + URL + "'\nread go\n");
        begin(new TestProvider().urlFrom("visit: (https://\\S+)", UrlSource.BROWSER_VARIABLE, UrlSource.OUTPUT));

        SignIn waiting = await(SignInState.AWAITING_USER);

        assertThat(waiting.url()).isEqualTo(URL);
    }

    @Test
    void thePrintedUrlIsTheFallbackAndALaterLaunchReplacesIt() throws Exception {
        bench.tool(
                "tool",
                SHELL + "echo visit: https://id.example.test/manual\nread go\n$BROWSER '" + URL + "'\nread go\n");
        begin(new TestProvider()
                .urlFrom("visit: (https://\\S+)", UrlSource.BROWSER_VARIABLE, UrlSource.OUTPUT)
                .callback(true));

        SignIn printed = await(SignInState.AWAITING_USER);
        assertThat(printed.url()).isEqualTo("https://id.example.test/manual");
        bench.client().callback(new Callback(session, "go"));
        SignIn launched = bench.client().awaitSignIn(session, printed.version(), Duration.ofSeconds(20));

        assertThat(launched.url()).isEqualTo(URL);
        assertThat(launched.state()).isEqualTo(SignInState.AWAITING_USER);
    }

    @Test
    void aSourceThatTheProviderDoesNotNameIsNotTaken() throws Exception {
        bench.tool("tool", SHELL + "xdg-open https://id.example.test/other\n$BROWSER '" + URL + "'\nread go\n");
        begin(new TestProvider().urlFrom("", UrlSource.BROWSER_VARIABLE));

        assertThat(await(SignInState.AWAITING_USER).url()).isEqualTo(URL);
    }

    @Test
    void aToolOnATerminalGetsItsCursorPosition() throws Exception {
        bench.tool("tool", """
                #!/usr/bin/env node
                process.stdin.setRawMode(true);
                process.stdout.write('\\x1b[6n');
                process.stdin.once('data', answer => {
                  if (!/^\\x1b\\[\\d+;\\d+R$/.test(answer.toString())) process.exit(3);
                  process.stdout.write(`\\x1b[1mGo to: \\x1b]8;;x\\x1b\\\\https://id.example.test/authorize?columns=${process.stdout.columns}\\x1b]8;;\\x1b\\\\\\x1b[0m\\r\\n`);
                  process.stdin.once('data', code => {
                    require('fs').writeFileSync(process.env.HOME + '/auth.json', JSON.stringify({token: code.toString().trim()}), {mode: 0o600});
                    process.stdout.write('Done');
                    process.exit(0);
                  });
                });
                """);
        begin(new TestProvider()
                .streams(Streams.PTY)
                .urlFrom("Go to: (https://\\S+)", UrlSource.OUTPUT)
                .callback(true)
                .success("Done"));

        assertThat(await(SignInState.AWAITING_USER).url()).isEqualTo("https://id.example.test/authorize?columns=2000");
        bench.client().callback(new Callback(session, "CODE#STATE"));
        await(SignInState.SUCCEEDED);
        CredentialSet taken = bench.client().takeCredentials(new TakeCredentials(session));
        assertThat(new String(taken.files().getFirst().content(), StandardCharsets.UTF_8))
                .isEqualTo("{\"token\":\"CODE#STATE\"}");
    }

    @Test
    void inputIsWrittenAndEndedWhenTheAnswerHasCome() throws Exception {
        bench.tool(
                "tool",
                SHELL
                        + "read one; read two; [ \"$one\" = first ] && [ \"$two\" = \"$HOME\" ] || exit 4\n"
                        + "xdg-open '"
                        + URL
                        + "'; echo '{\"id\":1,\"result\":{}}'\n"
                        + WRITE
                        + "cat > /dev/null; exit 0\n");
        begin(new TestProvider()
                .input("\"id\":1,\"result\"", "first", "${home}")
                .success("\"result\""));

        await(SignInState.SUCCEEDED);
    }

    @Test
    void theHomeIsFreshSeededAndPrivate() throws Exception {
        bench.tool(
                "tool",
                SHELL
                        + "stat -c %a $HOME; ls -A $HOME; cat $HOME/.tool/config; stat -c %a $HOME/.tool/config; pwd; echo $DISPLAY $EXTRA\n"
                        + "cp /dev/null $HOME/auth.json; $BROWSER "
                        + URL
                        + "\nexit 5\n");
        begin(new TestProvider()
                .seeds(new SeedFile(".tool/config", "0640", "at ${workspace} and ${home}\n"))
                .environment("EXTRA", "${caBundle}"));

        Cause cause = awaitFailure(CauseCode.TOOL_FAILED);

        String home =
                bench.run().resolve("signins").resolve(session).resolve("home").toString();
        String workspace = bench.home().resolve("workspace").toString();
        assertThat(cause.evidence())
                .containsExactly(
                        "700",
                        ".tool",
                        "at " + workspace + " and " + home,
                        "640",
                        workspace,
                        ":1 " + bench.run().resolve("ca-bundle.pem"));
        assertThat(cause.detail()).isEqualTo("It exited with 5.");
    }

    @Test
    void aToolThatIsNotThereIsMissing() throws Exception {
        begin(new TestProvider().command("no-such-tool"));
        assertThat(awaitFailure(CauseCode.TOOL_MISSING).detail()).contains("no-such-tool");
    }

    @Test
    void aToolWithoutAUrlIsNotWaitedForLong() throws Exception {
        bench.tool("tool", SHELL + "echo still thinking about https://id.example.test/a?token=secret\nsleep 100\n");
        begin(new TestProvider().urlSeconds(1));

        Cause cause = awaitFailure(CauseCode.URL_NOT_SHOWN);
        assertThat(cause.evidence().getFirst()).isEqualTo("still thinking about https://id.example.test/a?***");
        assertThat(cause.evidence().subList(1, cause.evidence().size()))
                .as("what it was doing")
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line).matches("process \\d+ \\((tool|sh|sleep)\\) sleeps, \\d+ ms .*"));
    }

    @Test
    void aToolThatHangsAfterItsWordsIsNamedByThem() throws Exception {
        bench.tool("tool", SHELL + "echo 'request failed: getaddrinfo ENOTFOUND id.example.test'\nsleep 100\n");
        begin(new TestProvider().urlSeconds(1));

        Cause cause = awaitFailure(CauseCode.UPSTREAM_UNREACHABLE);
        assertThat(cause.evidence().getFirst()).contains("ENOTFOUND");
        assertThat(cause.detail()).contains("1 seconds");
    }

    @Test
    void aToolThatMayNotBeExecutedHasFailedAndIsNotMissing() throws Exception {
        bench.tool("tool", SHELL);
        Path program = folder.resolve("tools/tool/bin/tool");
        Files.setPosixFilePermissions(program, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r--r--"));
        begin(new TestProvider());

        assertThat(awaitFailure(CauseCode.TOOL_FAILED).evidence()).containsExactly(program + ": Permission denied");
    }

    @Test
    void aToolWithoutItsInterpreterHasFailedWithTheKernelsWord() throws Exception {
        bench.tool("tool", "#!/no/such/interpreter\n");
        begin(new TestProvider());

        Cause cause = awaitFailure(CauseCode.TOOL_FAILED);
        assertThat(cause.detail()).isEqualTo("Its program cannot run in this machine.");
        assertThat(cause.evidence().getFirst()).contains("tool: ").contains("No such file");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/opt/tools/tool/bin/tool: error while loading shared libraries: libfoo.so.1: cannot open shared object file",
                "setpriv: failed to execute tool: No such file or directory",
                "tool: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.99' not found (required by tool)",
                "/usr/bin/env: 'node': No such file or directory",
            })
    void aToolThatCannotRunSaysSoFirst(String line) throws Exception {
        bench.tool("tool", SHELL + "echo before\ncat <<'X'\n" + line + "\nX\nexit 127\n");
        begin(new TestProvider());

        Cause cause = awaitFailure(CauseCode.TOOL_FAILED);
        assertThat(cause.evidence()).containsExactly(line, "before");
        assertThat(cause.detail()).contains("cannot run").contains("127");
    }

    @Test
    void aToolWhoseOnlyCallbackPortIsHeldIsNotStarted() throws Exception {
        bench.tool("tool", SHELL + "touch " + folder.resolve("started") + "\n");
        try (var first = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                var second = new ServerSocket(0)) {
            begin(new TestProvider().callback(false, first.getLocalPort(), second.getLocalPort()));

            Cause cause = awaitFailure(CauseCode.CALLBACK_PORT_TAKEN);

            long pid = ProcessHandle.current().pid();
            assertThat(cause.evidence())
                    .containsExactlyInAnyOrder(
                            "port " + first.getLocalPort() + " is held by process " + pid + " (java)",
                            "port " + second.getLocalPort() + " is held by process " + pid + " (java)");
            assertThat(folder.resolve("started")).doesNotExist();
        }
    }

    @Test
    void aToolWithAnotherCallbackPortIsStarted() throws Exception {
        bench.tool("tool", SHELL + "$BROWSER " + URL + "\n" + WRITE);
        int free;
        try (var closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = closed.getLocalPort();
        }
        try (var held = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                var _ = new ServerSocket(free, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 2}))) {
            // Who listens at another address is in nobody's way.
            begin(new TestProvider().callback(false, held.getLocalPort(), free));
            await(SignInState.SUCCEEDED);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Error: listen EADDRINUSE: address already in use 127.0.0.1:1455 | CALLBACK_PORT_TAKEN",
                "Error: the server answered access_denied | USER_DENIED",
                "Error: invalid_grant (the code has expired) | TOKEN_REFUSED",
                "Token exchange failed: the token endpoint returned status 502 | TOKEN_REFUSED",
                "FetchError: connect ETIMEDOUT 192.0.2.1:443 | UPSTREAM_UNREACHABLE",
                "Error: self-signed certificate in certificate chain | UPSTREAM_UNREACHABLE",
                "The proxy responded with 502 to CONNECT | UPSTREAM_UNREACHABLE",
                "Segmentation fault | TOOL_FAILED",
                "Token exchange succeeded after 200 ms | TOOL_FAILED",
                "We could not save your settings | TOOL_FAILED",
            })
    void aToolsWordsNameTheCause(String words, CauseCode code) throws Exception {
        bench.tool("tool", SHELL + "$BROWSER " + URL + "\necho 'starting'\necho '" + words + "' >&2\nexit 1\n");
        begin(new TestProvider());

        Cause cause = awaitFailure(code);
        assertThat(cause.evidence()).contains(words);
        assertThat(cause.detail()).isEqualTo("It exited with 1.");
    }

    @Test
    void theProvidersOwnPatternGoesFirstAndSecretsStayOut() throws Exception {
        String token = "eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIxMjM0NTY3ODkwIn0";
        bench.tool("tool", SHELL + "echo 'refused with ECONNREFUSED for " + token + "'\nexit 1\n");
        begin(new TestProvider().failures(new Provider.Failure("^refused with", CauseCode.TOKEN_REFUSED)));

        assertThat(awaitFailure(CauseCode.TOKEN_REFUSED).evidence())
                .containsExactly("refused with ECONNREFUSED for ***");
    }

    @Test
    void aToolThatSaysItFailedAndStaysIsNotWaitedFor() throws Exception {
        bench.tool("tool", SHELL + "$BROWSER " + URL + "\nread go\necho 'Denied by your organization'\nsleep 1000\n");
        begin(new TestProvider().callback(true).failures(new Provider.Failure("^Denied by", CauseCode.USER_DENIED)));
        await(SignInState.AWAITING_USER);
        bench.client().callback(new Callback(session, "go"));

        assertThat(awaitFailure(CauseCode.USER_DENIED).evidence()).containsExactly("Denied by your organization");
    }

    @Test
    void aToolThatSucceedsAfterAllIsBelieved() throws Exception {
        bench.tool("tool", SHELL + "$BROWSER " + URL + "\necho 'Denied once'\n" + WRITE + "echo 'Signed in'\n");
        begin(new TestProvider()
                .success("Signed in")
                .failures(new Provider.Failure("^Denied once", CauseCode.USER_DENIED)));

        await(SignInState.SUCCEEDED);
    }

    @Test
    void theLastWordsOfAToolThatHasFailedOnceAreHeardAfterItsEnd() throws Exception {
        // In pieces, so that each is read after what the one before has led to; a process that has ended is Z until it
        // is reaped.
        String helper = """
                echo 'Denied once'
                (until grep -q '^State:.Z' /proc/$$/status; do sleep 0.01; done
                for word in One Two 'Signed in'; do sleep 0.1; echo "$word"; done) &
                sleep 0.3
                """;
        bench.tool("tool", SHELL + "$BROWSER " + URL + "\n" + WRITE + helper);
        begin(new TestProvider()
                .success("Signed in")
                .failures(new Provider.Failure("^Denied once", CauseCode.USER_DENIED)));

        await(SignInState.SUCCEEDED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.test/authorize?x", "http://id.example.test/authorize"})
    void aUrlOfAnotherHostIsNotOpened(String url) throws Exception {
        bench.tool("tool", SHELL + "$BROWSER '" + url + "'\nsleep 100\n");
        begin(new TestProvider());
        awaitFailure(CauseCode.URL_NOT_ALLOWED);
    }

    @Test
    void aHugeUrlIsNotOpened() throws Exception {
        bench.tool(
                "tool",
                SHELL + "$BROWSER https://id.example.test/$(head -c 20000 /dev/zero | tr '\\0' a)\nsleep 100\n");
        begin(new TestProvider());
        awaitFailure(CauseCode.URL_NOT_ALLOWED);
    }

    @Test
    void anEarlyEndIsAFailureOfTheToolWithItsLastWords() throws Exception {
        bench.tool("tool", SHELL + "echo first; echo 'Error: no network' >&2; exit 1\n");
        begin(new TestProvider());

        Cause cause = awaitFailure(CauseCode.TOOL_FAILED);
        assertThat(cause.evidence()).containsExactly("first", "Error: no network");
    }

    @Test
    void successMustBeSaid() throws Exception {
        bench.tool("tool", SHELL + "$BROWSER " + URL + "\n" + WRITE + "echo maybe\n");
        begin(new TestProvider().success("^Signed in$"));
        assertThat(awaitFailure(CauseCode.TOOL_FAILED).evidence()).containsExactly("maybe");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "true|auth.json is not there",
                "umask 077; printf '{\"other\":1}' > $HOME/auth.json|auth.json lacks token",
                "umask 077; printf '{\"token\":' > $HOME/auth.json|auth.json lacks token",
                "umask 077; printf '{\"token\":\"\"}' > $HOME/auth.json|auth.json lacks token",
                "umask 022; printf '{\"token\":\"t\"}' > $HOME/auth.json|auth.json has mode 0644, wider than 0600",
                "mkdir $HOME/auth.json|auth.json is not a plain file",
                "mkfifo $HOME/auth.json|auth.json is not a plain file",
                "ln -s /etc/passwd $HOME/auth.json|auth.json leads over a symbolic link or something that is no folder",
                "head -c 600000 /dev/zero > $HOME/auth.json; chmod 600 $HOME/auth.json|auth.json is larger than 524288 bytes",
            })
    void credentialsMustBeComplete(String write, String problem) throws Exception {
        bench.tool("tool", SHELL + "$BROWSER " + URL + "\n" + write + "\n");
        begin(new TestProvider());
        assertThat(awaitFailure(CauseCode.CREDENTIALS_INCOMPLETE).evidence()).containsExactly(problem);
    }

    @Test
    void severalFilesOfSeveralKindsAreTakenOnceAndThenGone() throws Exception {
        bench.tool(
                "tool",
                SHELL
                        + "umask 077; mkdir -p $HOME/.a; $BROWSER "
                        + URL
                        + "\nprintf '// comment\\n{\"t\":{\"host:login\":{\"token\":\"x\"}},}' > $HOME/.a/c.json\nprintf raw > $HOME/key\nmkdir $HOME/more; touch $HOME/more/kept\n");
        begin(new TestProvider()
                .files(
                        new CredentialFile(".a/c.json", "0600", Format.JSONC, List.of("t.*.token"), false),
                        new CredentialFile("key", "0600", Format.OPAQUE, List.of(), false),
                        new CredentialFile("maybe.json", "0600", Format.JSON, List.of("x"), true)));
        await(SignInState.SUCCEEDED);

        CredentialStatus status = bench.client().credentialStatus(session);
        assertThat(status.complete()).isTrue();
        assertThat(status.files())
                .containsExactly(
                        new CredentialStatus.File(".a/c.json", true, "0600", 46, List.of()),
                        new CredentialStatus.File("key", true, "0600", 3, List.of()),
                        new CredentialStatus.File("maybe.json", false, "", 0, List.of("x")));
        CredentialSet taken = bench.client().takeCredentials(new TakeCredentials(session));

        assertThat(taken.provider()).isEqualTo("test");
        assertThat(taken.files()).extracting(CredentialSet.File::path).containsExactly(".a/c.json", "key");
        assertThat(taken.files().getLast().content()).isEqualTo("raw".getBytes(StandardCharsets.UTF_8));
        assertThat(taken.toString()).doesNotContain("raw");
        CredentialSet again = bench.client().takeCredentials(new TakeCredentials(session));
        assertThat(again)
                .as("taken again, as by a controller that died before they were safe")
                .usingRecursiveComparison()
                .isEqualTo(taken);
        assertThat(bench.client().credentialStatus(session).complete()).isTrue();

        CredentialStatus released = bench.client().releaseCredentials(new ReleaseCredentials(session));

        assertThat(released).isEqualTo(new CredentialStatus(session, false, List.of()));
        assertThat(bench.client().releaseCredentials(new ReleaseCredentials(session)))
                .as("released again")
                .isEqualTo(released);
        assertThat(failure(() -> bench.client().takeCredentials(new TakeCredentials(session))))
                .isEqualTo(CauseCode.CONFLICT);
        assertThat(bench.run().resolve("signins").resolve(session)).doesNotExist();
        assertThat(bench.client().credentialStatus(session).complete()).isFalse();
        assertThat(bench.client().signIn(session).state()).isEqualTo(SignInState.SUCCEEDED);
    }

    @Test
    void credentialsThatNobodyHasAreNotReleased() throws Exception {
        bench.tool("tool", SHELL + WRITE + "$BROWSER " + URL + "\nread go\n");
        begin(new TestProvider().callback(true));
        await(SignInState.AWAITING_USER);
        assertThat(failure(() -> bench.client().releaseCredentials(new ReleaseCredentials(session))))
                .as("before it has succeeded")
                .isEqualTo(CauseCode.CONFLICT);

        bench.client().callback(new Callback(session, "go"));
        await(SignInState.SUCCEEDED);

        assertThat(failure(() -> bench.client().releaseCredentials(new ReleaseCredentials(session))))
                .as("before they were taken")
                .isEqualTo(CauseCode.CONFLICT);
        assertThat(bench.client().takeCredentials(new TakeCredentials(session)).files())
                .hasSize(1);
    }

    @Test
    void whoAsksAgainGetsTheSignInThatIsThere() throws Exception {
        bench.tool(
                "tool", SHELL + "echo x >> " + folder.resolve("starts") + "\n$BROWSER " + URL + "\nread go\n" + WRITE);
        TestProvider provider = new TestProvider().callback(true);
        begin(provider);
        SignIn waiting = await(SignInState.AWAITING_USER);

        assertThat(begin(provider)).as("while it waits").isEqualTo(waiting);
        assertThat(failure(() -> begin(new TestProvider().id("another"))))
                .as("with another provider")
                .isEqualTo(CauseCode.CONFLICT);
        bench.client().callback(new Callback(session, "go"));
        SignIn over = await(SignInState.SUCCEEDED);

        assertThat(begin(provider)).as("when it is over").isEqualTo(over);
        assertThat(bench.client().takeCredentials(new TakeCredentials(session)).files())
                .hasSize(1);
        assertThat(folder.resolve("starts")).hasContent("x");
    }

    private static CauseCode failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        FailureException failure = catchThrowableOfType(FailureException.class, call);
        assertThat(failure).as("a failure").isNotNull();
        return failure.reason().code();
    }

    @Test
    void credentialsAreNotTakenBeforeTheSignInHasSucceeded() throws Exception {
        bench.tool("tool", SHELL + WRITE + "$BROWSER " + URL + "\nread go\n");
        begin(new TestProvider());
        await(SignInState.AWAITING_USER);

        assertThat(failure(() -> bench.client().takeCredentials(new TakeCredentials(session))))
                .isEqualTo(CauseCode.CONFLICT);
        assertThat(bench.client().credentialStatus(session).complete()).isFalse();
    }

    @Test
    void oneSignInAtATimeAndCancellingEndsAllOfIt() throws Exception {
        bench.tool("tool", """
                #!/bin/sh
                trap '' TERM
                node -e "
                  const s = require('net').createServer(() => {}).listen(0, '127.0.0.1', () => {
                    require('child_process').execFileSync(process.env.BROWSER, ['https://id.example.test/a?port=' + s.address().port]);
                  });
                " &
                wait
                """);
        begin(new TestProvider());
        String url = await(SignInState.AWAITING_USER).url();
        assertThat(url).isNotNull();
        int port = Integer.parseInt(url.substring(url.lastIndexOf('=') + 1));
        assertThat(bench.client().health().activeSessions()).isEqualTo(1);

        Provider provider = new TestProvider().make();
        String other = SessionId.random().value();
        assertThat(failure(() -> bench.client().startSignIn(new StartSignIn(other, provider))))
                .isEqualTo(CauseCode.CONFLICT);
        assertThat(bench.client().cancelSignIn(session).state()).isEqualTo(SignInState.CANCELLED);

        // The port is free again, so nothing of the tool is left.
        new ServerSocket(port, 1, InetAddress.getLoopbackAddress()).close();
        assertThat(bench.client().health().activeSessions()).isZero();
        assertThat(bench.run().resolve("signins").resolve(session)).doesNotExist();
        assertThat(bench.client().cancelSignIn(session).state()).as("again").isEqualTo(SignInState.CANCELLED);
        assertThat(bench.client()
                        .startSignIn(new StartSignIn(session, provider))
                        .state())
                .as("the same session again")
                .isEqualTo(SignInState.CANCELLED);
        bench.client()
                .startSignIn(new StartSignIn(
                        other, new TestProvider().command("no-such").make()));
    }

    @Test
    void whatAToolLeavesBehindWhenItSucceedsIsEnded() throws Exception {
        bench.tool(
                "tool",
                SHELL + "$BROWSER " + URL + "\n" + WRITE
                        + "setsid sleep 1000 > /dev/null 2>&1 & echo $! > $HOME/stray\n");
        begin(new TestProvider()
                .files(
                        new CredentialFile("auth.json", "0600", Format.JSON, List.of("token"), false),
                        new CredentialFile("stray", "0600", Format.OPAQUE, List.of(), false)));
        await(SignInState.SUCCEEDED);
        CredentialSet taken = bench.client().takeCredentials(new TakeCredentials(session));
        String stray = new String(taken.files().getLast().content(), StandardCharsets.UTF_8).strip();

        Path stat = Path.of("/proc", stray, "stat");
        assertThat(!Files.exists(stat) || Files.readString(stat).contains(") Z "))
                .isTrue();
    }

    /** A tool that listens for its callback, as real ones do. */
    private static final String LISTENER = """
            #!/usr/bin/env node
            const server = require('http').createServer((request, response) => {
              const url = new URL(request.url, 'http://localhost');
              if (url.pathname !== '/callback' || url.searchParams.get('error')) {
                response.writeHead(400).end('no');
                return;
              }
              response.writeHead(302, {location: 'http://192.0.2.1/never-followed'}).end();
              require('fs').writeFileSync(process.env.HOME + '/auth.json', JSON.stringify({token: url.searchParams.get('code')}), {mode: 0o600});
              console.log('Signed in');
              server.close();
            }).listen(0, 'HOST', () => {
              const redirect = `http://localhost:${server.address().port}/callback`;
              require('child_process').execFile(process.env.BROWSER, ['https://id.example.test/authorize?state=S1&redirect_uri=' + encodeURIComponent(redirect)]);
            });
            """;

    private String redirect() throws InterruptedException {
        String url = await(SignInState.AWAITING_USER).url();
        assertThat(url).isNotNull();
        return java.net.URLDecoder.decode(url.substring(url.indexOf("redirect_uri=") + 13), StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void aCallbackIsReplayedToTheToolAndItsRedirectIsNotFollowed(String host) throws Exception {
        bench.tool("tool", LISTENER.replace("HOST", host));
        begin(new TestProvider().success("Signed in"));
        String redirect = redirect();

        bench.client().callback(new Callback(session, redirect + "?code=the-code&state=S1"));

        await(SignInState.SUCCEEDED);
        CredentialSet taken = bench.client().takeCredentials(new TakeCredentials(session));
        assertThat(new String(taken.files().getFirst().content(), StandardCharsets.UTF_8))
                .contains("the-code");
    }

    @Test
    void whatIsNotTheCallbackIsNotReplayed() throws Exception {
        bench.tool("tool", LISTENER.replace("HOST", "127.0.0.1"));
        begin(new TestProvider().success("Signed in"));
        String redirect = redirect();

        for (String address : List.of(
                redirect + "/else?code=c&state=S1",
                redirect + "?code=c&state=another",
                redirect.replace("localhost", "example.test") + "?code=c&state=S1",
                "http://localhost:" + bench.agent().httpAddress().getPort() + "/callback",
                redirect + "?error=access_denied&state=another",
                redirect + "?error=access_denied",
                "just-a-code")) {
            assertThat(failure(() -> bench.client().callback(new Callback(session, address))))
                    .as(address)
                    .isEqualTo(CauseCode.CALLBACK_NOT_ALLOWED);
        }
        assertThat(bench.client().signIn(session).state()).isEqualTo(SignInState.AWAITING_USER);
    }

    @ParameterizedTest
    @CsvSource({"access_denied, USER_DENIED", "server_error, TOKEN_REFUSED"})
    void aCallbackThatCarriesAnErrorEndsTheSignInWithIt(String error, CauseCode code) throws Exception {
        bench.tool("tool", LISTENER.replace("HOST", "127.0.0.1"));
        begin(new TestProvider().success("Signed in"));
        String redirect = redirect();

        bench.client().callback(new Callback(session, redirect + "?error=" + error + "&state=S1"));

        assertThat(awaitFailure(code).evidence()).containsExactly("callback: error=" + error);
    }

    @Test
    void noCallbackIsTakenWhenNoneIsAwaited() throws Exception {
        bench.tool("tool", SHELL + "sleep 100\n");
        begin(new TestProvider());
        assertThat(failure(() -> bench.client().callback(new Callback(session, "http://localhost:1/callback"))))
                .isEqualTo(CauseCode.CONFLICT);
    }

    @Test
    void aLongPollEndsWithItsWait() throws Exception {
        bench.tool("tool", SHELL + "sleep 100\n");
        SignIn begun = begin(new TestProvider());

        assertThat(bench.client()
                        .awaitSignIn(session, 0, Duration.ofSeconds(30))
                        .version())
                .as("a known older version is answered at once")
                .isGreaterThanOrEqualTo(1);
        long start = System.nanoTime();
        SignIn same = bench.client().awaitSignIn(session, begun.version(), Duration.ofMillis(300));
        assertThat(same.version()).isEqualTo(begun.version());
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }

    @Test
    void aMalformedProviderIsRefused() {
        assertThat(failure(() -> begin(new TestProvider().success("(")))).isEqualTo(CauseCode.BAD_REQUEST);
        assertThat(failure(() -> begin(new TestProvider().urlSeconds(0)))).isEqualTo(CauseCode.BAD_REQUEST);
        assertThat(failure(() -> bench.client().startSignIn(new StartSignIn("../../etc", new TestProvider().make()))))
                .isEqualTo(CauseCode.BAD_REQUEST);
    }

    @Test
    void aSeedThatLeadsOutOfTheHomeFailsTheSignIn() throws Exception {
        bench.tool("tool", SHELL + "exit 0\n");
        begin(new TestProvider().seeds(new SeedFile("../outside", "0600", "x")));
        awaitFailure(CauseCode.BAD_REQUEST);
        assertThat(bench.run().resolve("signins/outside")).doesNotExist();
    }

    @Test
    void endingTheAgentEndsTheSignIn() throws Exception {
        bench.tool("tool", SHELL + "echo $$ > " + folder.resolve("pid") + "\n$BROWSER " + URL + "\nsleep 1000\n");
        begin(new TestProvider());
        await(SignInState.AWAITING_USER);
        long pid = Long.parseLong(Files.readString(folder.resolve("pid")).strip());

        bench.close();

        assertThat(Path.of("/proc/" + pid)).doesNotExist();
    }
}
