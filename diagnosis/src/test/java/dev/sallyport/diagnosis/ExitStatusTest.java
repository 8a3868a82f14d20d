package dev.sallyport.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ExitStatusTest {
    /** Corners of the table in systemd.exec(5). */
    @ParameterizedTest
    @CsvSource({
        "200, CHDIR",
        "203, EXEC",
        "210, CHROOT",
        "216, GROUP",
        "217, USER",
        "222, STDERR",
        "224, PAM",
        "226, NAMESPACE",
        "233, RUNTIME_DIRECTORY",
        "235, CHOWN",
        "238, STATE_DIRECTORY",
        "243, CREDENTIALS",
        "245, BPF"
    })
    void names(int status, String step) {
        assertThat(ExitStatus.step(status)).isEqualTo(step);
    }

    @ParameterizedTest
    @CsvSource({"0", "1", "127", "199", "223", "234", "244", "246", "255"})
    void aProgramsOwnAreNone(int status) {
        assertThat(ExitStatus.step(status)).isEmpty();
    }

    @Test
    void eachIsPutIntoWords() {
        assertThat(IntStream.rangeClosed(200, 245)
                        .mapToObj(ExitStatus::step)
                        .filter(step -> !step.isEmpty())
                        .map(ExitStatus::doing))
                .hasSize(43)
                .noneMatch(words -> words.startsWith("do the step"))
                .doesNotHaveDuplicates();
    }
}
