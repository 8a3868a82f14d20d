package dev.sallyport.acceptance.standin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.egress.AllowList;
import dev.sallyport.egress.EgressEvent;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.provider.Provider;
import dev.sallyport.provider.Providers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo tool as a process of its own, signed in at the stand-ins as its provider file says, through a machine's door. */
class DemoToolTest {
    private static final Provider DEMO = Providers.builtIn().require(new ProviderId("demo"));
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String SIGNED_IN =
            "signed in as Test Account <account@sallyport.test> at https://id.sallyport.test";

    @TempDir
    private Path home;

    private final List<EgressEvent> events = new CopyOnWriteArrayList<>();
    private StandInVendors vendors;
    private TestUser user;
    private EgressGateway gateway;
    private EgressGateway.Door door;

    @BeforeAll
    static void node() throws Exception {
        try (ToolRun node = ToolRun.start(Path.of("/"), Map.of(), List.of("/bin/sh", "-c", "node --version"))) {
            assumeTrue(node.exitCode(LONG) == 0, "there is no Node.js on the PATH");
        }
    }

    @BeforeEach
    void start() throws IOException {
        vendors = StandInVendors.start();
        gateway = new EgressGateway(Optional.of(vendors.proxy()));
        door = gateway.open(
                MachineId.random(), InetAddress.getLoopbackAddress(), 0, AllowList.of(DEMO.egress()), events::add);
        user = new TestUser(vendors);
        Files.writeString(home.resolve("ca.pem"), vendors.caPem());
    }

    @AfterEach
    void stop() {
        user.close();
        gateway.close();
        vendors.close();
    }

    private ToolRun run(Map<String, String> more, String... arguments) throws IOException {
        Map<String, String> environment = new HashMap<>(Map.of(
                "HOME", home.toString(),
                "HTTPS_PROXY", "http://127.0.0.1:" + door.address().getPort(),
                "NO_PROXY", "127.0.0.1,localhost",
                "NODE_EXTRA_CA_CERTS", home.resolve("ca.pem").toString(),
                "BROWSER",
                        ToolRun.browser(home.resolve("browser"), home.resolve("opened"))
                                .toString()));
        environment.putAll(more);
        List<String> command = new ArrayList<>(List.of(ToolRun.demo().toString()));
        command.addAll(List.of(arguments));
        return ToolRun.start(home, environment, command);
    }

    private ToolRun run(String... arguments) throws IOException {
        return run(Map.of(), arguments);
    }

    private static String url(ToolRun login) throws InterruptedException {
        return login.awaitLine("https://id.sallyport.test/oauth/authorize?", LONG);
    }

    private void signIn() throws IOException, InterruptedException {
        try (ToolRun login = run("login")) {
            user.signIn(url(login), "approve");
            assertThat(login.exitCode(LONG)).as(login.output()).isZero();
        }
    }

    private Path file() {
        return home.resolve(DEMO.credentials().files().getFirst().path());
    }

    private JsonNode credentials() throws IOException {
        return new ObjectMapper().readTree(file().toFile());
    }

    private void assertThatNoSecretIsIn(String text) {
        assertThat(vendors.issuedSecrets()).isNotEmpty().noneMatch(text::contains);
    }

    @Test
    void signsInAndSaysWhoItIs() throws Exception {
        try (ToolRun login = run("login")) {
            String url = url(login);
            HttpResponse<String> last = user.signIn(url, "approve");

            assertThat(last.body()).contains("You are signed in");
            assertThat(login.exitCode(LONG)).isZero();
            assertThat(login.output()).containsPattern(DEMO.signIn().success().outputPattern());
            assertThat(login.named(DEMO)).as("what a healthy sign-in says").isEmpty();
            assertThatNoSecretIsIn(login.output());
            assertThat(ToolRun.opened(home.resolve("opened"))).isEqualTo(url);
            assertThat(Provider.pattern(DEMO.signIn().urlPattern())
                            .matcher(login.output())
                            .results())
                    .singleElement()
                    .satisfies(result -> assertThat(result.group(1)).isEqualTo(url));
        }
        assertThat(Files.getPosixFilePermissions(file())).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(file().getParent()).isDirectoryNotContaining(path -> !path.equals(file()));
        for (String required : DEMO.credentials().files().getFirst().required()) {
            assertThat(credentials().at("/" + required.replace('.', '/')).asText())
                    .as(required)
                    .isNotEmpty();
        }

        try (ToolRun whoami = run("whoami")) {
            assertThat(whoami.exitCode(LONG)).isEqualTo(DEMO.status().signedInExitCode());
            assertThat(whoami.output())
                    .isEqualTo(SIGNED_IN + "\n")
                    .containsPattern(DEMO.status().signedInPattern());
        }
    }

    @Test
    void refreshesByTimeAndRewritesTheFile() throws Exception {
        vendors.accessTokenLife(Duration.ofSeconds(1));
        signIn();
        JsonNode before = credentials();
        Object inode = Files.getAttribute(file(), "unix:ino");
        vendors.accessTokenLife(Duration.ofHours(1));

        try (ToolRun whoami = run("whoami")) {
            assertThat(whoami.exitCode(LONG)).isZero();
            assertThat(whoami.output()).isEqualTo(SIGNED_IN + "\n");
        }

        assertThat(credentials().get("refresh_token")).isNotEqualTo(before.get("refresh_token"));
        assertThat(credentials().get("account")).isEqualTo(before.get("account"));
        assertThat(credentials().get("expires_at").asLong())
                .isGreaterThan(Instant.now().getEpochSecond() + 3000);
        assertThat(Files.getAttribute(file(), "unix:ino")).isNotEqualTo(inode);
        assertThat(Files.getPosixFilePermissions(file())).isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void refreshesWhenTheAccessTokenIsRefused() throws Exception {
        signIn();
        vendors.expireAccessTokens();

        try (ToolRun whoami = run("whoami")) {
            assertThat(whoami.exitCode(LONG)).isZero();
            assertThat(whoami.output()).isEqualTo(SIGNED_IN + "\n");
        }
        assertThat(vendors.count("POST id.sallyport.test/oauth/token")).isEqualTo(2);
        assertThat(vendors.count("GET id.sallyport.test/userinfo")).isEqualTo(3);
    }

    @Test
    void aSpentRefreshTokenEndsTheSignIn() throws Exception {
        signIn();
        byte[] old = Files.readAllBytes(file());
        vendors.expireAccessTokens();
        try (ToolRun whoami = run("whoami")) {
            assertThat(whoami.exitCode(LONG)).isZero();
        }
        Files.write(file(), old);

        try (ToolRun whoami = run("whoami")) {
            assertThat(whoami.exitCode(LONG)).isEqualTo(1);
            assertThat(whoami.output()).contains("the sign-in has ended at the identity provider. Run: demo login");
        }
    }

    @Test
    void logoutGivesTheTokensBack() throws Exception {
        signIn();
        String token = credentials().get("access_token").asText();

        try (ToolRun logout = run("logout")) {
            assertThat(logout.exitCode(LONG)).isZero();
        }

        assertThat(file()).doesNotExist();
        assertThat(user.get("https://id.sallyport.test/userinfo", token).statusCode())
                .isEqualTo(401);
        try (ToolRun whoami = run("whoami")) {
            assertThat(whoami.exitCode(LONG)).isEqualTo(1);
            assertThat(whoami.output()).isEqualTo("demo: not signed in. Run: demo login\n");
        }
    }

    @Test
    void aDenialEndsItWithAnError() throws Exception {
        try (ToolRun login = run("login")) {
            HttpResponse<String> last = user.signIn(url(login), "deny");

            assertThat(last.body()).contains("not approved");
            assertThat(login.exitCode(LONG)).isEqualTo(1);
            assertThat(login.output()).contains("demo: the sign-in was not approved: access was denied");
            assertThat(login.named(DEMO)).containsExactly(CauseCode.USER_DENIED);
        }
        assertThat(file()).doesNotExist();
    }

    @Test
    void refusedTokensEndItWithAnError() throws Exception {
        vendors.fault(Fault.TOKENS_REFUSED, true);
        try (ToolRun login = run("login")) {
            assertThat(user.signIn(url(login), "approve").body()).contains("The sign-in failed");

            assertThat(login.exitCode(LONG)).isEqualTo(1);
            assertThat(login.output()).contains("refused the tokens: The stand-in was told to refuse.");
            assertThat(login.named(DEMO)).containsExactly(CauseCode.TOKEN_REFUSED);
            assertThatNoSecretIsIn(login.output());
        }
        assertThat(file()).doesNotExist();
    }

    @Test
    void aStrangersCallbackDoesNotEndIt() throws Exception {
        try (ToolRun login = run("login")) {
            String address = user.decide(url(login), "approve");

            assertThat(user.get(address.replaceAll("state=[^&]*", "state=forged"))
                            .statusCode())
                    .isEqualTo(400);
            assertThat(user.get(address.replace("/callback", "/other")).statusCode())
                    .isEqualTo(404);
            assertThat(user.get(address).body()).contains("You are signed in");
            assertThat(login.exitCode(LONG)).isZero();
        }
    }

    @Test
    void anIdentityProviderThatCannotBeReachedIsToldAsSuch() throws Exception {
        vendors.fault(Fault.UNREACHABLE, true);
        try (ToolRun login = run("login")) {
            String url = url(login);
            vendors.fault(Fault.UNREACHABLE, false);
            String address = user.decide(url, "approve");
            vendors.fault(Fault.UNREACHABLE, true);
            user.get(address);

            assertThat(login.exitCode(LONG)).isEqualTo(3);
            assertThat(login.output())
                    .containsPattern("the proxy 127.0.0.1:\\d+ refused id.sallyport.test: 502 Host not reachable");
            assertThat(login.named(DEMO)).contains(CauseCode.UPSTREAM_UNREACHABLE);
            assertThat(events).extracting(event -> event.kind().code()).contains(CauseCode.UPSTREAM_UNREACHABLE);
        }
    }

    @Test
    void aProxyThatIsNotThereIsToldAsSuch() throws Exception {
        signIn();
        int closed;
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            closed = socket.getLocalPort();
        }
        try (ToolRun whoami = run(Map.of("HTTPS_PROXY", "http://127.0.0.1:" + closed), "whoami")) {
            assertThat(whoami.exitCode(LONG)).isEqualTo(3);
            assertThat(whoami.output()).contains("the proxy 127.0.0.1:" + closed + " does not answer");
        }
    }

    @Test
    void anAuthorityThatIsNotTrustedIsToldAsSuch() throws Exception {
        signIn();
        try (ToolRun whoami = run(Map.of("NODE_EXTRA_CA_CERTS", ""), "whoami")) {
            assertThat(whoami.exitCode(LONG)).isEqualTo(3);
            assertThat(whoami.output())
                    .contains("cannot reach https://id.sallyport.test: ")
                    .contains("certificate");
        }
    }

    @Test
    void tokensGoToNobodyButTheirIssuer() throws Exception {
        signIn();
        try (ToolRun whoami = run(Map.of("DEMO_ISSUER", "https://auth.openai.com"), "whoami")) {
            assertThat(whoami.exitCode(LONG)).isEqualTo(1);
            assertThat(whoami.output())
                    .contains("signed in at https://id.sallyport.test, not at https://auth.openai.com");
        }
        assertThat(vendors.count("CONNECT auth.openai.com:443")).isZero();
    }

    @Test
    void wrongUsageIsTold() throws Exception {
        try (ToolRun wrong = run("sign-in")) {
            assertThat(wrong.exitCode(LONG)).isEqualTo(2);
            assertThat(wrong.output()).contains("usage: demo login").contains("not understood: sign-in");
        }
        try (ToolRun help = run("--help")) {
            assertThat(help.exitCode(LONG)).isZero();
            assertThat(help.output()).contains("usage: demo login");
        }
        try (ToolRun version = run("--version")) {
            assertThat(version.exitCode(LONG)).isZero();
            assertThat(version.output().strip()).isEqualTo(DEMO.tool().version());
        }
        try (ToolRun wrong = run(Map.of("DEMO_ISSUER", "http://id.sallyport.test"), "login")) {
            assertThat(wrong.exitCode(LONG)).isEqualTo(2);
            assertThat(wrong.output()).contains("DEMO_ISSUER must be an https URL");
        }
    }

    @Test
    void aDamagedFileIsTold() throws Exception {
        signIn();
        Files.writeString(file(), "{\"access_token\":");
        try (ToolRun whoami = run("whoami")) {
            assertThat(whoami.exitCode(LONG)).isEqualTo(1);
            assertThat(whoami.output()).contains("is damaged. Run: demo login");
        }
    }
}
