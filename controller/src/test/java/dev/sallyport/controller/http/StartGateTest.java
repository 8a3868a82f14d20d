package dev.sallyport.controller.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.controller.admission.Rate;
import dev.sallyport.controller.admission.StartRates;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.glassfish.jersey.jackson.JacksonFeature;
import org.glassfish.jersey.server.ResourceConfig;
import org.glassfish.jersey.servlet.ServletContainer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Over HTTP, with the server's own parts: who is counted by which address, and what those refused are told. */
final class StartGateTest {
    private final Server server = new Server();
    private final HttpClient http = HttpClient.newHttpClient();
    private URI base = URI.create("http://127.0.0.1/");

    /** Stands for the resources that start something. */
    @Path("/")
    public static final class Starts {
        private final StartGate gate =
                new StartGate(new StartRates(new Rate(1, Duration.ofHours(1), 3), new Rate(1, Duration.ofHours(1), 2)));

        @POST
        public String start(
                @Context HttpServletRequest servlet,
                @QueryParam("user") @DefaultValue("") String user,
                @QueryParam("admin") @DefaultValue("false") boolean admin) {
            UserId id = new UserId(user);
            gate.pass(admin ? Caller.ADMIN : new Caller(Optional.of(id)), id, servlet);
            return "started";
        }

        @GET
        public String room(@QueryParam("full_for_ms") @DefaultValue("-1") long millis) {
            if (millis < 0) {
                return "room";
            }
            throw FailureException.tryLater(CauseCode.HOST_FULL, Duration.ofMillis(millis), "It is full.");
        }
    }

    @BeforeEach
    void serve() throws Exception {
        var connector = new ServerConnector(server);
        connector.setHost("0.0.0.0");
        server.addConnector(connector);
        var context = new ServletContextHandler("/", ServletContextHandler.NO_SESSIONS);
        context.addServlet(
                new ServletHolder(new ServletContainer(new ResourceConfig()
                        .registerInstances(new Starts())
                        .register(new ProblemMapper())
                        .register(JacksonFeature.withoutExceptionMappers()))),
                "/*");
        server.setHandler(context);
        server.start();
        base = URI.create("http://127.0.0.1:" + connector.getLocalPort() + "/");
    }

    @AfterEach
    void stop() throws Exception {
        http.close();
        server.stop();
    }

    @Test
    void aRefusalSaysWhenToTryAgain() throws Exception {
        HttpResponse<String> answer = send(HttpRequest.newBuilder(base.resolve("?full_for_ms=2001")));

        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValue("Retry-After")).as("rounded up").contains("3");
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        JsonNode problem = HttpServer.json().readTree(answer.body());
        assertThat(problem.path("code").asText()).isEqualTo("HOST_FULL");
        assertThat(problem.path("retryAfter").asLong()).isEqualTo(3);
        assertThat(problem.path("detail").asText()).isEqualTo("It is full.");
        assertThat(send(HttpRequest.newBuilder(base.resolve("?full_for_ms=0")))
                        .headers()
                        .firstValue("Retry-After"))
                .contains("1");
    }

    @Test
    void otherProblemsDoNot() throws Exception {
        HttpResponse<String> answer = send(HttpRequest.newBuilder(base.resolve("nothing")));

        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(answer.headers().firstValue("Retry-After")).isEmpty();
        assertThat(HttpServer.json().readTree(answer.body()).has("retryAfter")).isFalse();
    }

    @Test
    void usersOfOneAddressShareItsRate() throws Exception {
        assertThat(start("u1")).isEqualTo(200);
        assertThat(start("u2")).isEqualTo(200);
        assertThat(start("u3")).isEqualTo(429);
        assertThat(start("u4&admin=true"))
                .as("the admin's address says nothing")
                .isEqualTo(200);
    }

    @Test
    void anAdminsCallsCountForTheUser() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertThat(start("ada&admin=true")).isEqualTo(200);
        }
        assertThat(start("ada&admin=true")).isEqualTo(429);
        assertThat(start("bob&admin=true")).isEqualTo(200);
    }

    @Test
    void ofAProxysHeaderTheLastAddressCounts() throws Exception {
        assertThat(start("u1", "198.51.100.1, 192.0.2.7")).isEqualTo(200);
        assertThat(start("u2", "198.51.100.2", "198.51.100.3,192.0.2.7")).isEqualTo(200);
        assertThat(start("u3", "192.0.2.7")).isEqualTo(429);
        assertThat(start("u4", "192.0.2.7, 2001:db8::1")).isEqualTo(200);
    }

    @Test
    void whatIsNoAddressIsNotBelieved() throws Exception {
        assertThat(start("u1", "localhost")).isEqualTo(200);
        assertThat(start("u2", "192.0.2.7, unknown")).isEqualTo(200);
        assertThat(start("u3", "")).as("all three are the proxy's own").isEqualTo(429);
    }

    /** Needs another address of this host than its loopback, which most have. */
    @Test
    void onlyAProxyOnThisHostIsBelieved() throws Exception {
        Optional<InetAddress> other = java.net.NetworkInterface.networkInterfaces()
                .flatMap(java.net.NetworkInterface::inetAddresses)
                .filter(address -> address instanceof java.net.Inet4Address && !address.isLoopbackAddress())
                .findAny();
        org.junit.jupiter.api.Assumptions.assumeTrue(other.isPresent());
        base = URI.create("http://" + other.get().getHostAddress() + ":" + base.getPort() + "/");

        assertThat(start("u1", "192.0.2.1")).isEqualTo(200);
        assertThat(start("u2", "192.0.2.2")).isEqualTo(200);
        assertThat(start("u3", "192.0.2.3")).isEqualTo(429);
    }

    private int start(String query, String... forwarded) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(base.resolve("?user=" + query)).POST(HttpRequest.BodyPublishers.noBody());
        for (String line : forwarded) {
            request.header("X-Forwarded-For", line);
        }
        return send(request).statusCode();
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
