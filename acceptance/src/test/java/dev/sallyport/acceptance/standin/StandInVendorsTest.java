package dev.sallyport.acceptance.standin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StandInVendorsTest {
    private static final String BASE = "https://" + StandInVendors.DEMO_HOST;
    private static final String REDIRECT = "http://127.0.0.1:40000/callback";
    private static final String VERIFIER = "a-verifier-of-at-least-forty-three-characters-x";

    private StandInVendors vendors;
    private TestUser user;

    @BeforeEach
    void start() {
        vendors = StandInVendors.start();
        user = new TestUser(vendors);
    }

    @AfterEach
    void stop() {
        user.close();
        vendors.close();
    }

    private static String authorize(Map<String, String> changes) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(VERIFIER.getBytes(StandardCharsets.US_ASCII));
        Map<String, String> query = new HashMap<>(Map.of(
                "response_type", "code",
                "client_id", StandInVendors.DEMO_CLIENT,
                "redirect_uri", REDIRECT,
                "scope", "openid email",
                "state", "s1",
                "code_challenge", Base64.getUrlEncoder().withoutPadding().encodeToString(digest),
                "code_challenge_method", "S256"));
        query.putAll(changes);
        return BASE + "/oauth/authorize?"
                + query.entrySet().stream()
                        .map(entry -> entry.getKey() + "=" + entry.getValue().replace(" ", "+"))
                        .collect(Collectors.joining("&"));
    }

    private static Map<String, String> query(String address) {
        return Arrays.stream(URI.create(address).getRawQuery().split("&"))
                .map(pair -> pair.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
    }

    private String code() throws Exception {
        Map<String, String> back = query(user.decide(authorize(Map.of()), "approve"));
        assertThat(back).containsEntry("state", "s1").containsOnlyKeys("code", "state");
        return Objects.requireNonNull(back.get("code"));
    }

    private HttpResponse<String> exchange(String code, String verifier) throws IOException, InterruptedException {
        return user.post(
                BASE + "/oauth/token",
                Map.of(
                        "grant_type", "authorization_code",
                        "client_id", StandInVendors.DEMO_CLIENT,
                        "code", code,
                        "redirect_uri", REDIRECT,
                        "code_verifier", verifier));
    }

    private HttpResponse<String> refresh(String token) throws IOException, InterruptedException {
        return user.post(
                BASE + "/oauth/token",
                Map.of("grant_type", "refresh_token", "client_id", StandInVendors.DEMO_CLIENT, "refresh_token", token));
    }

    private static JsonNode json(HttpResponse<String> response) throws IOException {
        return new ObjectMapper().readTree(response.body());
    }

    private static void assertThatItIs(HttpResponse<String> response, String error) throws IOException {
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).get("error").asText()).isEqualTo(error);
    }

    @Test
    void thePageHasOneApprovingColourAndNothingFromOutside() throws Exception {
        HttpResponse<String> page = user.get(authorize(Map.of()));

        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
        assertThat(page.body())
                .containsOnlyOnce(StandInVendors.APPROVE_COLOUR)
                .contains("Demo asks to sign you in", "Test Account", "know that it is you", ">Approve<", ">Deny<")
                .doesNotContain("http:", "https:", "<script", "<img", "@import");
        assertThat(page.body().length()).isLessThan(4000);
    }

    @Test
    void aStrangeRedirectIsShownAndNotFollowed() throws Exception {
        for (String redirect : new String[] {
            "https://evil.example/callback",
            "http://127.0.0.1.evil.example:1/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:40000/other",
            "%5B"
        }) {
            HttpResponse<String> page = user.get(authorize(Map.of("redirect_uri", redirect)));
            assertThat(page.statusCode()).as(redirect).isEqualTo(400);
            assertThat(page.headers().firstValue("Location")).isEmpty();
        }
        assertThat(user.get(authorize(Map.of("client_id", "other"))).statusCode())
                .isEqualTo(400);
    }

    @Test
    void aRequestWithoutProofKeyIsSentBack() throws Exception {
        HttpResponse<String> answer = user.get(authorize(Map.of("code_challenge_method", "plain")));
        assertThat(answer.statusCode()).isEqualTo(303);
        assertThat(query(answer.headers().firstValue("Location").orElseThrow()))
                .isEqualTo(Map.of("error", "invalid_request", "state", "s1"));
    }

    @Test
    void whatThePageShowsIsEscaped() throws Exception {
        String page = user.get(authorize(Map.of("scope", "%3Cscript%3Ex%22y"))).body();
        assertThat(page).contains("use &lt;script&gt;x&quot;y").doesNotContain("<script");
    }

    @Test
    void aCodeServesOnceAndItsReuseEndsTheSignIn() throws Exception {
        String code = code();
        JsonNode tokens = json(exchange(code, VERIFIER));
        String access = tokens.get("access_token").asText();
        JsonNode who = json(user.get(BASE + "/userinfo", access));
        assertThat(who.get("email").asText()).isEqualTo(StandInVendors.ACCOUNT.email());

        assertThatItIs(exchange(code, VERIFIER), "invalid_grant");

        assertThat(user.get(BASE + "/userinfo", access).statusCode()).isEqualTo(401);
        assertThatItIs(refresh(tokens.get("refresh_token").asText()), "invalid_grant");
    }

    @Test
    void aCodeNeedsItsVerifier() throws Exception {
        assertThatItIs(exchange(code(), VERIFIER + "y"), "invalid_grant");
        assertThatItIs(exchange("code-unknown", VERIFIER), "invalid_grant");
    }

    @Test
    void refreshTokensRotateAndReuseEndsTheSignIn() throws Exception {
        String first = json(exchange(code(), VERIFIER)).get("refresh_token").asText();
        JsonNode second = json(refresh(first));
        assertThat(user.get(BASE + "/userinfo", second.get("access_token").asText())
                        .statusCode())
                .isEqualTo(200);

        assertThatItIs(refresh(first), "invalid_grant");

        assertThatItIs(refresh(second.get("refresh_token").asText()), "invalid_grant");
        assertThat(user.get(BASE + "/userinfo", second.get("access_token").asText())
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void aDenialAndADeniedApprovalComeBackAlike() throws Exception {
        assertThat(query(user.decide(authorize(Map.of()), "deny"))).containsEntry("error", "access_denied");
        vendors.fault(Fault.DENIED, true);
        assertThat(query(user.decide(authorize(Map.of()), "approve"))).containsEntry("error", "access_denied");
        vendors.fault(Fault.DENIED, false);
        assertThat(query(user.decide(authorize(Map.of()), "approve"))).containsKey("code");
    }

    @Test
    void brokenAnswersEverythingWith503() throws Exception {
        vendors.fault(Fault.BROKEN, true);
        assertThat(user.get(authorize(Map.of())).statusCode()).isEqualTo(503);
    }

    @Test
    void secretsAndRequestsAreKept() throws Exception {
        String code = code();
        JsonNode tokens = json(exchange(code, VERIFIER));

        assertThat(vendors.issuedSecrets())
                .contains(
                        code,
                        tokens.get("access_token").asText(),
                        tokens.get("refresh_token").asText());
        assertThat(vendors.count("POST id.sallyport.test/oauth/token")).isEqualTo(1);
        assertThat(vendors.count("GET id.sallyport.test/oauth/authorize")).isEqualTo(1);
        assertThat(vendors.count("GET id.sallyport.test/nothing")).isZero();
    }

    private String connect(String address) throws IOException {
        try (var socket =
                new Socket(vendors.proxy().getAddress(), vendors.proxy().getPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write(("CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            byte[] start = socket.getInputStream().readNBytes(12);
            return new String(start, StandardCharsets.US_ASCII);
        }
    }

    @Test
    void theProxyLeadsToTheStandInsAlone() throws IOException {
        assertThat(connect("id.sallyport.test:443")).isEqualTo("HTTP/1.1 200");
        assertThat(connect("example.com:443")).isEqualTo("HTTP/1.1 502");
        assertThat(connect("id.sallyport.test:80")).isEqualTo("HTTP/1.1 502");
        assertThat(vendors.refused()).containsExactly("example.com:443", "id.sallyport.test:80");
        vendors.fault(Fault.UNREACHABLE, true);
        assertThat(connect("id.sallyport.test:443")).isEqualTo("HTTP/1.1 502");
        assertThat(vendors.refused()).hasSize(2);
    }

    @Test
    void aHostWithoutAPartAnswers404() throws Exception {
        assertThat(user.get("https://chatgpt.com/backend-api/x").statusCode()).isEqualTo(404);
    }

    @Test
    void closingEndsItsListenersAndThreads() {
        var short1 = StandInVendors.start();
        short1.close();
        assertThatThrownBy(() ->
                        new Socket(short1.proxy().getAddress(), short1.proxy().getPort()).close())
                .isInstanceOf(IOException.class);
        vendors.close();
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("stand-in"));
    }
}
