package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class CommandTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    @Test
    void inputOutputAndExitCode() throws Exception {
        Command.Result result = Command.run(LONG, "hello\n", List.of("sh", "-c", "cat; echo oh >&2; exit 3"));
        assertThat(result.exitCode()).isEqualTo(3);
        assertThat(result.ok()).isFalse();
        assertThat(result.lastLines()).containsExactly("hello", "oh");
    }

    @Test
    void aProgramThatDoesNotEndIsKilled() throws Exception {
        assertThat(Command.run(Duration.ofMillis(200), "", List.of("sleep", "1000"))
                        .exitCode())
                .isEqualTo(137);
    }

    @Test
    void aProgramThatDoesNotReadItsInputStillTellsItsExitCode() throws Exception {
        assertThat(Command.run(LONG, "x".repeat(1_000_000), List.of("false")).exitCode())
                .isEqualTo(1);
    }

    @Test
    void outputIsBounded() throws Exception {
        assertThat(Command.run(LONG, "", List.of("head", "-c", "5000000", "/dev/zero"))
                        .output())
                .hasSize(1 << 20);
    }

    @Test
    void aProgramThatIsNotThereIsNamed() {
        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> Command.run(LONG, "", List.of("no-such-program-at-all")));
        assertThat(failure.reason().code()).isEqualTo(CauseCode.HYPERVISOR_MISSING);
    }

    @Test
    void systemProgramsAreFoundThoughTheyAreNotOnThePath(@TempDir Path folder) throws Exception {
        Path program = Files.writeString(folder.resolve("program"), "");
        assertThat(Command.find("program", folder.toString())).isEmpty();
        assertThat(program.toFile().setExecutable(true)).isTrue();
        assertThat(Command.find("program", "/nowhere::" + folder)).contains(program);
        assertThat(Command.find(program.toString(), "")).contains(program);
        assertThat(Command.find("ldconfig", "/nowhere")).isPresent();
        assertThat(Command.find("no-such-program-at-all")).isEmpty();
    }

    @Test
    void anInterruptKillsIt() {
        Thread.currentThread().interrupt();
        long began = System.nanoTime();
        assertThatThrownBy(() -> Command.run(LONG, "", List.of("sh", "-c", "exec >/dev/null 2>&1; exec sleep 1000")))
                .isInstanceOf(InterruptedException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
    }
}
