package dev.sallyport.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ClosingTest {
    @ParameterizedTest
    @EnumSource
    void hasACodeThatAServerMaySend(Closing closing) {
        assertThat(closing.code()).isIn(1000, 1001, 1003, 1009, 1011, closing.code() >= 4000 ? closing.code() : -1);
        assertThat(closing.code()).isLessThan(5000);
        assertThat(closing.reason()).startsWith(closing.name() + ": ");
        assertThat(closing.reason().getBytes(StandardCharsets.UTF_8)).hasSizeLessThanOrEqualTo(123);
    }

    @Test
    void codesAreDistinct() {
        assertThat(Arrays.stream(Closing.values()).map(Closing::code)).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @EnumSource
    void tellsEveryCauseWithinAControlFrame(CauseCode code) {
        String reason = Closing.reason(Cause.of(code, "detail", "evidence"));
        assertThat(reason).startsWith(code.name()).doesNotContain("evidence");
        assertThat(reason.getBytes(StandardCharsets.UTF_8)).hasSizeLessThanOrEqualTo(123);
        assertThat(Closing.of(code)).isNotNull();
    }

    @Test
    void machinesEndingsAreToldApart() {
        assertThat(Closing.of(CauseCode.MACHINE_UNREACHABLE)).isEqualTo(Closing.MACHINE_UNREACHABLE);
        assertThat(Closing.of(CauseCode.MACHINE_ENDED)).isEqualTo(Closing.MACHINE_ENDED);
        assertThat(Closing.of(CauseCode.AGENT_SILENT)).isEqualTo(Closing.MACHINE_SILENT);
        assertThat(EnumSet.of(Closing.of(CauseCode.CONFLICT), Closing.of(CauseCode.UNKNOWN)))
                .containsExactlyInAnyOrder(Closing.NO_SCREEN, Closing.FAILED);
    }
}
