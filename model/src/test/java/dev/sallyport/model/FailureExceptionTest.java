package dev.sallyport.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class FailureExceptionTest {
    @Test
    void aRefusalThatTimeHealsSaysWhen() {
        FailureException failure =
                FailureException.tryLater(CauseCode.HOST_FULL, Duration.ofSeconds(7), "It runs 64 machines.");

        assertThat(failure.retryAfter()).contains(Duration.ofSeconds(7));
        assertThat(failure)
                .hasMessage("HOST_FULL: The host has no room for another machine at this moment. It runs 64 machines.");
    }

    @Test
    void otherFailuresDoNot() {
        assertThat(FailureException.of(CauseCode.NOT_FOUND, "").retryAfter()).isEmpty();
        var thrown = new IllegalStateException("why");
        assertThat(new FailureException(Cause.of(CauseCode.UNKNOWN, ""), thrown))
                .hasCause(thrown)
                .extracting(FailureException::retryAfter)
                .isEqualTo(java.util.Optional.empty());
    }
}
