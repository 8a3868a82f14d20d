package dev.sallyport.acceptance.standin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** Plays the user's browser by plain HTTP: through the stand-ins' proxy to them, directly to loopback. */
public final class TestUser implements AutoCloseable {
    private static final Pattern TICKET = Pattern.compile("name=\"ticket\" value=\"([^\"]+)\"");

    private final HttpClient http;

    public TestUser(StandInVendors vendors) {
        this(vendors.proxy(), vendors);
    }

    TestUser(InetSocketAddress proxy, StandInVendors vendors) {
        try {
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            trusted.setCertificateEntry("test", vendors.caCertificate());
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers.getTrustManagers(), null);
            http = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(10))
                    .sslContext(context)
                    .proxy(new ProxySelector() {
                        @Override
                        public List<Proxy> select(@Nullable URI uri) {
                            return List.of(
                                    uri != null && "https".equals(uri.getScheme())
                                            ? new Proxy(Proxy.Type.HTTP, proxy)
                                            : Proxy.NO_PROXY);
                        }

                        @Override
                        public void connectFailed(
                                @Nullable URI uri, @Nullable SocketAddress address, @Nullable IOException failure) {
                            // The request itself fails, which is where the test sees it.
                        }
                    })
                    .build();
        } catch (GeneralSecurityException | IOException e) {
            throw new AssertionError("a client cannot be made", e);
        }
    }

    HttpResponse<String> get(String url) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(url)));
    }

    HttpResponse<String> get(String url, String bearer) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + bearer));
    }

    HttpResponse<String> post(String url, Map<String, String> form) throws IOException, InterruptedException {
        String body = form.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + URLEncoder.encode(entry.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        return send(HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** Opens the authorization URL, presses a button, and answers the address that the browser is sent to. */
    public String decide(String authorizationUrl, String decision) throws IOException, InterruptedException {
        HttpResponse<String> page = get(authorizationUrl);
        assertThat(page.statusCode()).isEqualTo(200);
        Matcher ticket = TICKET.matcher(page.body());
        assertThat(ticket.find()).isTrue();
        HttpResponse<String> answer = post(
                URI.create(authorizationUrl).resolve("/oauth/decide").toString(),
                Map.of("ticket", ticket.group(1), "decision", decision));
        assertThat(answer.statusCode()).isEqualTo(303);
        return answer.headers().firstValue("Location").orElseThrow();
    }

    /** Does the whole sign-in, following the tool's own redirects, and answers the last page. */
    HttpResponse<String> signIn(String authorizationUrl, String decision) throws IOException, InterruptedException {
        String address = decide(authorizationUrl, decision);
        HttpResponse<String> answer = get(address);
        for (int i = 0; i < 5 && answer.statusCode() / 100 == 3; i++) {
            address = URI.create(address)
                    .resolve(answer.headers().firstValue("Location").orElseThrow())
                    .toString();
            answer = get(address);
        }
        return answer;
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }
}
