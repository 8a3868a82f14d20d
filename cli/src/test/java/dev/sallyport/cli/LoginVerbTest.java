package dev.sallyport.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class LoginVerbTest {
    private static final String PROBLEM = "application/problem+json";

    @Test
    void aSignInUnderWayIsReplacedOnDemandAlone() throws Exception {
        try (PlayedServer server = new PlayedServer(0);
                var api = new ApiClient(server.address(), null)) {
            for (String sessions : new String[] {"s-1", "s-2"}) {
                server.then(200, "application/json", "{\"role\":\"user\"}")
                        .then(202, "application/json", "{\"sessionId\":\"" + sessions + "\"}");
            }
            assertThat(verb("demo").start(api)).isEqualTo("s-1");
            assertThat(verb("demo", "--replace").start(api)).isEqualTo("s-2");
            assertThat(server.requests.get(1)).isEqualTo("POST /api/auth/start {\"provider\":\"demo\"}");
            assertThat(server.requests.get(3)).contains("\"replace\":true").contains("\"provider\":\"demo\"");
        }
    }

    @ParameterizedTest
    @CsvSource({"12, 12 s", "119, 119 s", "121, 3 min"})
    void aRefusalSaysWhenToTryAgain(long seconds, String words) throws Exception {
        try (PlayedServer server = new PlayedServer(0);
                var api = new ApiClient(server.address(), null)) {
            server.then(200, "application/json", "{\"role\":\"user\"}")
                    .then(503, PROBLEM, "{\"code\":\"HOST_FULL\",\"detail\":\"Full.\",\"retryAfter\":" + seconds + "}");
            assertThatThrownBy(() -> verb("demo").start(api)).isInstanceOfSatisfying(FailureException.class, e -> {
                assertThat(e.reason().code()).isEqualTo(CauseCode.HOST_FULL);
                assertThat(e.reason().detail()).isEqualTo("Full.");
                assertThat(e.retryAfter()).contains(Duration.ofSeconds(seconds));
                assertThat(printed(e)).contains("\n  Try again in " + words + ".\n");
            });
        }
    }

    @Test
    void whatAGatewaySaysIsThatTheServerIsAway() throws Exception {
        try (PlayedServer server = new PlayedServer(0);
                var api = new ApiClient(server.address(), null)) {
            server.then(502, "text/html", "<h1>Bad gateway</h1>");
            assertThatThrownBy(() -> verb("demo").start(api))
                    .hasMessageContaining("SERVER_UNREACHABLE")
                    .hasMessageContaining("answered with status 502");
        }
    }

    private static LoginVerb verb(String... arguments) {
        var verb = new LoginVerb();
        new CommandLine(verb).parseArgs(arguments);
        return verb;
    }

    private static String printed(Throwable thrown) {
        var out = new ByteArrayOutputStream();
        Failures.print(thrown, new PrintStream(out, true, StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }
}
