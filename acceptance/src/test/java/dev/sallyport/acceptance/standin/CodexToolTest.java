package dev.sallyport.acceptance.standin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.egress.AllowList;
import dev.sallyport.egress.EgressEvent;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.Folders;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The real Codex of its provider file, signed in at the stand-ins as that file says, through a machine's door. Needs npm once, to fetch it. */
@Tag("machines")
class CodexToolTest {
    private static final Provider CODEX = Providers.builtIn().require(new ProviderId("codex"));
    private static final Duration LONG = Duration.ofSeconds(60);
    private static Path program = Path.of("");

    @TempDir
    private Path home;

    private final List<EgressEvent> events = new CopyOnWriteArrayList<>();
    private StandInVendors vendors;
    private TestUser user;
    private EgressGateway gateway;
    private EgressGateway.Door door;

    @BeforeAll
    static void fetch() throws Exception {
        Path folder = Folders.ofThisProcess()
                .cache()
                .resolve("test-tools")
                .resolve("codex-" + CODEX.tool().version());
        program = folder.resolve("node_modules/.bin/codex");
        if (Files.isExecutable(program)) {
            return;
        }
        Files.createDirectories(folder);
        List<String> install = List.of(
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "--prefix",
                folder.toString(),
                "@openai/codex@" + CODEX.tool().version());
        try (ToolRun npm = ToolRun.start(folder, Map.of("HOME", System.getProperty("user.home")), install)) {
            int exit = npm.exitCode(Duration.ofMinutes(5));
            assumeTrue(exit == 0, () -> "npm cannot fetch Codex: " + npm.output());
        }
    }

    @BeforeEach
    void start() throws IOException {
        vendors = StandInVendors.start();
        gateway = new EgressGateway(Optional.of(vendors.proxy()));
        door = gateway.open(
                MachineId.random(), InetAddress.getLoopbackAddress(), 0, AllowList.of(CODEX.egress()), events::add);
        user = new TestUser(vendors);
        Files.writeString(home.resolve("ca.pem"), vendors.caPem());
        for (Provider.SeedFile seed : CODEX.signIn().seedFiles()) {
            Path file = home.resolve(seed.path());
            Files.createDirectories(file.getParent());
            Files.writeString(file, seed.content());
        }
    }

    @AfterEach
    void stop() {
        user.close();
        gateway.close();
        vendors.close();
    }

    private ToolRun run(List<String> command) throws IOException {
        Map<String, String> environment = new HashMap<>(Map.of(
                "HOME", home.toString(),
                "HTTPS_PROXY", "http://127.0.0.1:" + door.address().getPort(),
                "NO_PROXY", "127.0.0.1,localhost",
                "CODEX_CA_CERTIFICATE", home.resolve("ca.pem").toString(),
                "BROWSER",
                        ToolRun.browser(home.resolve("browser"), home.resolve("opened"))
                                .toString()));
        CODEX.environment().forEach((name, value) -> environment.put(name, value.replace("${home}", home.toString())));
        List<String> real = new ArrayList<>(command);
        real.set(0, program.toString());
        return ToolRun.start(home, environment, real);
    }

    @Test
    void signsInAndSaysSo() throws Exception {
        try (ToolRun login = run(CODEX.signIn().command())) {
            String url = login.awaitLine("https://auth.openai.com/oauth/authorize?", LONG);
            Matcher printed = Provider.pattern(CODEX.signIn().urlPattern()).matcher(login.output());
            assertThat(printed.find()).isTrue();
            assertThat(printed.group(1)).isEqualTo(url);

            HttpResponse<String> last = user.signIn(url, "approve");

            assertThat(last.uri().getPath()).isEqualTo("/success");
            assertThat(last.statusCode()).isEqualTo(200);
            assertThat(login.exitCode(LONG)).isEqualTo(CODEX.signIn().success().exitCode());
            assertThat(login.output()).containsPattern(CODEX.signIn().success().outputPattern());
            assertThat(login.named(CODEX)).as("what a healthy sign-in says").isEmpty();
            assertThat(ToolRun.opened(home.resolve("opened"))).isEqualTo(url);
        }

        Provider.CredentialFile file = CODEX.credentials().files().getFirst();
        Path written = home.resolve(file.path());
        assertThat(Files.getPosixFilePermissions(written)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        JsonNode fields = new ObjectMapper().readTree(written.toFile());
        for (String required : file.required()) {
            assertThat(fields.at("/" + required.replace('.', '/')).asText())
                    .as(required)
                    .isNotEmpty();
        }
        assertThat(vendors.issuedSecrets())
                .contains(fields.at("/tokens/refresh_token").asText());

        try (ToolRun status = run(CODEX.status().command())) {
            assertThat(status.exitCode(LONG)).isEqualTo(CODEX.status().signedInExitCode());
            assertThat(Provider.pattern(CODEX.status().signedInPattern())
                            .matcher(status.output())
                            .find())
                    .isTrue();
        }
        assertThat(events).isEmpty();
        assertThat(vendors.refused()).isEmpty();
    }

    @Test
    void aDenialEndsItWithAnError() throws Exception {
        try (ToolRun login = run(CODEX.signIn().command())) {
            user.signIn(login.awaitLine("https://auth.openai.com/oauth/authorize?", LONG), "deny");

            assertThat(login.exitCode(LONG)).isEqualTo(1);
            assertThat(login.output())
                    .doesNotContainPattern(CODEX.signIn().success().outputPattern());
            assertThat(login.named(CODEX)).as(login.output()).containsExactly(CauseCode.USER_DENIED);
        }
        assertThat(home.resolve(".codex/auth.json")).doesNotExist();
        try (ToolRun status = run(CODEX.status().command())) {
            assertThat(status.exitCode(LONG)).isEqualTo(1);
            assertThat(Provider.pattern(CODEX.status().signedInPattern())
                            .matcher(status.output())
                            .find())
                    .isFalse();
        }
    }

    @Test
    void refusedTokensEndItWithAnError() throws Exception {
        vendors.fault(Fault.TOKENS_REFUSED, true);
        try (ToolRun login = run(CODEX.signIn().command())) {
            user.signIn(login.awaitLine("https://auth.openai.com/oauth/authorize?", LONG), "approve");

            assertThat(login.exitCode(LONG)).isEqualTo(1);
            assertThat(login.named(CODEX)).as(login.output()).containsExactly(CauseCode.TOKEN_REFUSED);
        }
        assertThat(vendors.count("POST auth.openai.com/oauth/token")).isEqualTo(1);
        assertThat(home.resolve(".codex/auth.json")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({"BROKEN, TOKEN_REFUSED", "UNREACHABLE, UPSTREAM_UNREACHABLE"})
    void anIdentityProviderThatFailsAfterTheApprovalIsNamed(Fault fault, CauseCode code) throws Exception {
        try (ToolRun login = run(CODEX.signIn().command())) {
            String address = user.decide(login.awaitLine("https://auth.openai.com/oauth/authorize?", LONG), "approve");
            vendors.fault(fault, true);
            user.get(address);

            assertThat(login.exitCode(LONG)).isEqualTo(1);
            assertThat(login.named(CODEX)).as(login.output()).containsExactly(code);
        }
    }

    @Test
    void callbackPortsThatAreAllHeldAreNamed() throws Exception {
        try (var _ = new ServerSocket(1455, 5, InetAddress.getLoopbackAddress());
                var _ = new ServerSocket(1457, 5, InetAddress.getLoopbackAddress());
                ToolRun login = run(CODEX.signIn().command())) {
            assertThat(login.exitCode(LONG)).isEqualTo(1);
            assertThat(login.named(CODEX)).as(login.output()).containsExactly(CauseCode.CALLBACK_PORT_TAKEN);
        }
    }
}
