package dev.sallyport.agent.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a Chromium that says what it is told to. */
@Timeout(60)
class PageLoadTest {
    private static final String NO_GATEWAY = "net::ERR_PROXY_CONNECTION_FAILED";
    private static final String NO_ANSWER = "net::ERR_TUNNEL_CONNECTION_FAILED";

    private static Optional<Optional<Cause>> load(Deque<String> words) throws Exception {
        return new PageLoad(url -> words.removeFirst(), "https://id.example.test/a").run(() -> true);
    }

    @Test
    void aGatewayThatIsAwayForAMomentIsWaitedFor() throws Exception {
        Deque<String> words = new ArrayDeque<>(List.of(NO_GATEWAY, NO_GATEWAY, NO_GATEWAY, NO_GATEWAY, ""));

        assertThat(load(words)).contains(Optional.empty());

        assertThat(words).isEmpty();
    }

    @Test
    void aPageThatDoesNotLoadIsTriedThreeTimes() throws Exception {
        Deque<String> words = new ArrayDeque<>(List.of(NO_GATEWAY, NO_ANSWER, NO_ANSWER, NO_ANSWER));

        Cause cause = load(words).orElseThrow().orElseThrow();

        assertThat(cause.code()).isEqualTo(CauseCode.UPSTREAM_UNREACHABLE);
        assertThat(cause.evidence())
                .containsExactly("Chromium on https://id.example.test/a: " + NO_ANSWER + ", 4 times");
    }
}
