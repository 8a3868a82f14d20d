package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On real processes. */
@Timeout(30)
class ProcessPulseTest {
    private @Nullable Process started;

    @AfterEach
    void end() {
        if (started != null) {
            started.descendants().forEach(ProcessHandle::destroyForcibly);
            started.destroyForcibly();
        }
    }

    private Process start(String script) throws IOException {
        Process process = new ProcessBuilder("sh", "-c", script).start();
        started = process;
        return process;
    }

    @Test
    void workIsCountedAlsoThatOfWhatItStarted() throws Exception {
        Process process = start("while :; do :; done & wait");
        Duration worked = Duration.ZERO;
        while (worked.compareTo(Duration.ofMillis(100)) < 0) {
            worked = ProcessPulse.of(process.toHandle()).orElseThrow().worked();
        }
        assertThat(ProcessPulse.of(process.toHandle()).orElseThrow().halted()).isEmpty();
    }

    @Test
    void aStoppedProcessStandsStill() throws Exception {
        Process process = start("kill -STOP $$; exec sleep 600");
        String halted = "";
        while (halted.isEmpty()) {
            halted = ProcessPulse.of(process.toHandle()).orElseThrow().halted();
        }
        assertThat(halted).contains("stopped").contains(Long.toString(process.pid()));
    }

    @Test
    void whatHasEndedHasNoPulse() throws Exception {
        Process process = start("exit 0");
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(ProcessPulse.of(process.toHandle())).isEmpty();
    }
}
