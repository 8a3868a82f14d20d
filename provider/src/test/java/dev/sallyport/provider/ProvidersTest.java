package dev.sallyport.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.Provider.UrlSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProvidersTest {
    private static final String SOUND = """
            id: sound
            name: Sound
            tool:
              layer: tool-sound
              version: 1.0.0
            environment:
              SOUND_HOME: ${home}/.sound
            signIn:
              command: [sound, login]
              urlFrom: [browser_variable, output]
              urlPattern: '(https://\\S+)'
              authorizationHosts: [id.example.com]
              callback:
                ports: [1455]
                path: /callback
            credentials:
              files:
                - path: .sound/auth.json
                  required: [token]
            status:
              command: [sound, status]
            egress: [id.example.com]
            """;

    @TempDir
    private Path folder;

    private static List<String> problemsOf(String yaml) {
        var thrown = catchThrowableOfType(InvalidProvidersException.class, () -> Providers.parse("x.yaml", yaml));
        return thrown == null
                ? List.of()
                : thrown.problems().stream().map(Objects::toString).toList();
    }

    @Test
    void thoseThatComeWithSallyportAreReadFromTheClassPath() {
        Providers providers = Providers.builtIn();

        assertThat(providers.all())
                .extracting(provider -> provider.id().value())
                .containsExactly("codex", "demo");
        Provider codex = providers.require(new ProviderId("codex"));
        assertThat(codex.signIn().callback().ports()).containsExactly(1455, 1457);
        assertThat(codex.signIn().seedFiles())
                .singleElement()
                .satisfies(seed -> assertThat(seed.content()).isEqualTo("cli_auth_credentials_store = \"file\"\n"));
        assertThat(codex.environment()).containsEntry("CODEX_HOME", "${home}/.codex");
        assertThat(codex.egress()).contains("auth.openai.com", "chatgpt.com", "api.openai.com");
        Provider demo = providers.require(new ProviderId("demo"));
        assertThat(demo.tool()).isEqualTo(new Provider.Tool("tool-demo", "1.0.0"));
        assertThat(demo.signIn().streams()).isEqualTo(Provider.Streams.PIPES);
        assertThat(demo.credentials().files().getFirst().mode()).isEqualTo("0600");
    }

    @Test
    void theStatusPatternsTellSignedInFromNot() {
        Provider codex = Providers.builtIn().require(new ProviderId("codex"));
        assertThat(Provider.pattern(codex.status().signedInPattern())
                        .matcher("Logged in using ChatGPT\n")
                        .find())
                .isTrue();
        assertThat(Provider.pattern(codex.status().signedInPattern())
                        .matcher("Not logged in\n")
                        .find())
                .isFalse();
        Provider demo = Providers.builtIn().require(new ProviderId("demo"));
        assertThat(Provider.pattern(demo.status().signedInPattern())
                        .matcher("warning: slow\nsigned in as A B <a@b.example> at https://id.sallyport.test\n")
                        .find())
                .isTrue();
        assertThat(Provider.pattern(demo.status().signedInPattern())
                        .matcher("demo: not signed in. Run: demo login")
                        .find())
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude_code", "gemini_cli", "copilot", "opencode"})
    void theSchemaDescribesTheOtherToolsToo(String id) throws IOException {
        String file = "/described/" + id + ".yaml";
        String yaml;
        try (InputStream in = Objects.requireNonNull(getClass().getResourceAsStream(file))) {
            yaml = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        assertThat(Providers.parse(file, yaml).id().value()).isEqualTo(id);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "codex | If your browser did not open, navigate to this URL:\\n\\nhttps://auth.openai.com/oauth/authorize?a=b&c=d\\n | https://auth.openai.com/oauth/authorize?a=b&c=d",
                "demo  | Open this page to sign in:\\nhttps://id.sallyport.test/oauth/authorize?x=y\\n | https://id.sallyport.test/oauth/authorize?x=y"
            })
    void theUrlIsFoundInWhatTheToolPrints(String id, String output, String url) {
        Provider provider = Providers.builtIn().require(new ProviderId(id));
        assertThat(provider.signIn().urlFrom()).contains(UrlSource.OUTPUT);
        Matcher matcher = Provider.pattern(provider.signIn().urlPattern()).matcher(output.replace("\\n", "\n"));
        assertThat(matcher.find()).isTrue();
        assertThat(matcher.group(1)).isEqualTo(url);
    }

    /** The last lines of the pinned tools, as they were seen; what they print when all is well names nothing. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "codex | Error logging in: Sign-in failed: access_denied | USER_DENIED",
                "codex | Error logging in: Token exchange failed: token endpoint returned status 400 Bad Request: refused. | TOKEN_REFUSED",
                "codex | Error logging in: Token exchange failed: token endpoint returned status 503 Service Unavailable: broken. | TOKEN_REFUSED",
                "codex | Error logging in: Token exchange failed: error sending request for url (https://auth.openai.com/oauth/token) | UPSTREAM_UNREACHABLE",
                "codex | Error logging in: Port 127.0.0.1:1457 is already in use | CALLBACK_PORT_TAKEN",
                "codex | Starting local login server on http://localhost:1457. | ",
                "codex | On a remote or headless machine? Use `codex login --device-auth` instead. | ",
                "codex | Successfully logged in | ",
                "demo | demo: the sign-in was not approved: access was denied | USER_DENIED",
                "demo | demo: the identity provider refused the tokens: The stand-in was told to refuse. | TOKEN_REFUSED",
                "demo | demo: the proxy 127.0.0.1:40553 refused id.sallyport.test: 502 Host not reachable | UPSTREAM_UNREACHABLE",
                "demo | demo: the proxy 127.0.0.1:43521 refused id.sallyport.test: 403 Host not allowed | EGRESS_REFUSED",
                "demo | demo: the proxy 127.0.0.1:42421 does not answer: connect ECONNREFUSED 127.0.0.1:42421 | EGRESS_DOWN",
                "demo | demo: cannot reach https://id.sallyport.test: unable to get local issuer certificate | UPSTREAM_UNREACHABLE",
                "demo | demo: cannot listen on 127.0.0.1: EADDRINUSE | ",
                "demo | Signed in as Test Account <account@sallyport.test>. | ",
            })
    void whatTheToolsSayWhenTheyFailHasItsName(String id, String line, @Nullable CauseCode cause) {
        Provider provider = Providers.builtIn().require(new ProviderId(id));
        assertThat(provider.signIn().failures().stream()
                        .filter(failure ->
                                Provider.pattern(failure.pattern()).matcher(line).find())
                        .map(Provider.Failure::cause)
                        .findFirst())
                .isEqualTo(Optional.ofNullable(cause));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{pattern: 'no', cause: out_of_cheese} | x.yaml:17: signIn.failures.cause must be one of tool_failed,",
                "{pattern: 'no', cause: kernel_panic} | x.yaml:17: signIn.failures.cause must be one of tool_failed,",
                "{pattern: 'no'} | x.yaml:17: signIn.failures.cause is missing",
                "{cause: user_denied} | x.yaml:17: signIn.failures.pattern is missing",
                "{pattern: '(', cause: user_denied} | x.yaml:17: signIn.failures.pattern is not a regular expression",
                "{pattern: '.*', cause: user_denied} | x.yaml:17: signIn.failures.pattern matches an empty line",
                "{pattern: 'no', cause: user_denied, code: 1} | x.yaml:17: signIn.failures.code is not known",
            })
    void aFailureThatIsNotWellFormedIsToldWithItsLine(String entry, String problem) {
        assertThat(problemsOf(withFailures(entry)))
                .singleElement()
                .asString()
                .startsWith(problem);
    }

    private static String withFailures(String... entries) {
        return SOUND.replace(
                "credentials:\n",
                "  failures:\n    - " + String.join("\n    - ", entries) + "\ncredentials:\n");
    }

    @Test
    void thereMayBeTwentyFailuresAndNoMore() {
        String[] entries = new String[21];
        java.util.Arrays.fill(entries, "{pattern: 'no', cause: user_denied}");
        assertThat(problemsOf(withFailures(java.util.Arrays.copyOf(entries, 20)))).isEmpty();
        assertThat(problemsOf(withFailures(entries)))
                .singleElement()
                .asString()
                .contains("signIn.failures has more than 20 entries");
    }

    @Test
    void anUnknownProviderIsAFailureWithItsName() {
        assertThatThrownBy(() -> Providers.builtIn().require(new ProviderId("nobody")))
                .isInstanceOfSatisfying(FailureException.class, failure -> {
                    assertThat(failure.reason().code()).isEqualTo(CauseCode.UNKNOWN_PROVIDER);
                    assertThat(failure.reason().detail()).contains("codex, demo");
                });
    }

    @Test
    void anOperatorsFileAddsToThemOrTakesThePlaceOfOne() throws IOException {
        Files.writeString(folder.resolve("sound.yaml"), SOUND);
        Files.writeString(
                folder.resolve("demo.yaml"),
                SOUND.replace("id: sound", "id: demo").replace("name: Sound", "name: Own demo"));
        Files.writeString(folder.resolve("notes.txt"), "not a provider");

        Providers providers = Providers.load(folder);

        assertThat(providers.all()).extracting(Provider::name).containsExactly("Codex", "Own demo", "Sound");
    }

    @Test
    void everyProblemOfEveryFileIsToldAtOnceWithItsLine() throws IOException {
        Files.writeString(
                folder.resolve("a.yaml"),
                SOUND.replace("layer: tool-sound", "layer: Sound").replace("[1455]", "[70000]"));
        Files.writeString(folder.resolve("b.yaml"), "id: b\n  bad: [");
        Files.writeString(folder.resolve("c.yaml"), SOUND);
        Files.write(folder.resolve("d.yaml"), new byte[] {'i', 'd', ':', ' ', (byte) 0xff});

        var thrown = catchThrowableOfType(InvalidProvidersException.class, () -> Providers.load(folder));

        assertThat(thrown.problems())
                .extracting(problem -> folder.relativize(Path.of(problem.file())) + ":" + problem.line())
                .containsExactly("a.yaml:4", "a.yaml:14", "b.yaml:2", "c.yaml:0", "d.yaml:0");
        assertThat(thrown).hasMessageContaining("c.yaml: must be called sound.yaml");
    }

    @Test
    void aFolderThatIsNotThereHoldsNothing() {
        assertThat(Providers.load(folder.resolve("absent")).all())
                .isEqualTo(Providers.builtIn().all());
    }

    @Test
    void aFileInTheFoldersPlaceIsAProblem() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        assertThatThrownBy(() -> Providers.load(file)).hasMessage(file + ": is not a folder");
    }

    @Test
    void aSoundFileHasNoProblems() {
        assertThat(problemsOf(SOUND)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "id: sound | id: Sound | x.yaml:1: id must be lower-case letters, digits and _",
                "name: Sound | nome: Sound | x.yaml:2: nome is not known",
                "  version: 1.0.0 |   version: 1.0.0%n  arch: arm | x.yaml:6: tool.arch is not known",
                "  version: 1.0.0 |   version: 1.0.0%n  version: 1.0.1 | x.yaml:6: tool.version is there twice",
                "SOUND_HOME: ${home} | HOME: ${home} | x.yaml:7: environment.HOME is set by the agent",
                "${home} | ${hone} | x.yaml:7: environment.SOUND_HOME has a variable that is not known: ${hone}",
                "command: [sound, login] | command: [] | x.yaml:9: signIn.command is missing",
                "command: [sound, login] | command: sound | x.yaml:9: signIn.command must be a list",
                "[browser_variable, output] | [browser, output] | x.yaml:10: signIn.urlFrom: must be one of browser_variable, xdg_open, output",
                "[browser_variable, output] | [xdg_open] | x.yaml:11: signIn.urlPattern must be there when, and only when, urlFrom has output",
                "'(https://\\S+)' | '(https://' | x.yaml:11: signIn.urlPattern is not a regular expression: Unclosed group at character 9",
                "'(https://\\S+)' | 'https://' | x.yaml:11: signIn.urlPattern must have a group that is the URL",
                "authorizationHosts: [id.example.com] | authorizationHosts: [10.0.0.1] | x.yaml:12: signIn.authorizationHosts: must be a lower-case host name: 10.0.0.1",
                "authorizationHosts: [id.example.com] | authorizationHosts: ['*.example.com'] | x.yaml:12: signIn.authorizationHosts: must be a lower-case host name: *.example.com",
                "[1455] | [0] | x.yaml:14: signIn.callback.ports must be a whole number from 1 to 65535",
                "path: /callback | path: callback | x.yaml:15: signIn.callback.path must begin with / and be a plain path",
                ".sound/auth.json | ../auth.json | x.yaml:18: credentials.files.path must be a plain path below the home",
                ".sound/auth.json | /etc/passwd | x.yaml:18: credentials.files.path must be a plain path below the home",
                "required: [token] | mode: '0666' | x.yaml:19: credentials.files.mode must be four octal digits, writable by the owner alone, such as 0600",
                "required: [token] | optional: yes | x.yaml:19: credentials.files.optional must be true or false",
                "required: [token] | optional: true | x.yaml:17: credentials.files must hold at least one that is not optional",
                "command: [sound, status] | signedInPattern: ok | x.yaml:21: status.command is missing, so there is nothing to tell signed in by",
                "egress: [id.example.com] | egress: [example.com] | x.yaml:22: egress does not allow id.example.com, where the user signs in",
                "egress: [id.example.com] | egress: ['*'] | x.yaml:22: egress: must be a lower-case host name, or *. and a domain: *",
                "egress: [id.example.com] | egress: [ID.example.com] | x.yaml:22: egress: must be a lower-case host name, or *. and a domain: ID.example.com"
            })
    void whatIsWrongIsToldWithItsLine(String sound, String wrong, String problem) {
        assertThat(SOUND).contains(sound);
        assertThat(problemsOf(SOUND.replace(sound, wrong.replace("%n", "\n")))).contains(problem);
    }

    @Test
    void aWildcardCoversTheSignInPage() {
        assertThat(problemsOf(SOUND.replace("egress: [id.example.com]", "egress: ['*.example.com']")))
                .isEmpty();
    }

    @Test
    void whatIsTooLargeOrNestedOrAliasedIsRefused() {
        assertThat(problemsOf(SOUND + "#".repeat(70_000))).containsExactly("x.yaml: is longer than 65536 characters");
        assertThat(problemsOf("[".repeat(100))).singleElement().asString().contains("is not YAML");
        assertThat(problemsOf("a: &a [1, 1]\nb: [*a, *a]\nc: [*a]\n")).isNotEmpty();
        assertThat(problemsOf("")).containsExactly("x.yaml: is empty");
        assertThat(problemsOf("- a")).contains("x.yaml:1: the file must hold keys and values");
        String many = "[" + "token, ".repeat(100) + "token]";
        assertThat(problemsOf(SOUND.replace("[token]", many)))
                .containsExactly("x.yaml:19: credentials.files.required has more than 64 entries");
        assertThat(problemsOf(SOUND.replace("name: Sound", "name: \"a\\u0007\"")))
                .contains("x.yaml:2: name holds control characters");
    }
}
