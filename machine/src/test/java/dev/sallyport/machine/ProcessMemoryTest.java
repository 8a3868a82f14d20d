package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ProcessMemoryTest {
    private static final int MIB = 1 << 20;

    @TempDir
    Path folder;

    @Test
    void whatAChildHoldsCountsToo() throws Exception {
        // The parent is a shell that waits; its child holds every line that it is given.
        Process process = new ProcessBuilder("sh", "-c", "echo up; sed -n H; exec sleep 1000")
                .redirectErrorStream(true)
                .start();
        try {
            // Just started, it would hold next to nothing.
            assertThat(process.inputReader().readLine()).isEqualTo("up");
            OptionalLong before = ProcessMemory.of(process.toHandle());
            assertThat(before).isPresent();
            assertThat(before.getAsLong()).isBetween(50_000L, 64L * MIB);
            var text = new ByteArrayOutputStream();
            text.writeBytes(("x".repeat(1023) + "\n").repeat(32 * 1024).getBytes(StandardCharsets.US_ASCII));
            process.getOutputStream().write(text.toByteArray());
            process.getOutputStream().flush();
            // All but a pipe's buffer has been taken.
            assertThat(ProcessMemory.of(process.toHandle()).orElseThrow() - before.getAsLong())
                    .isGreaterThan(24L * MIB);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        assertThat(process.waitFor()).isNotZero();
        assertThat(ProcessMemory.of(process.toHandle())).isEmpty();
    }

    @Test
    void theShareIsTakenWhereItIsToldAndElseTheResidentPages() throws Exception {
        Files.writeString(folder.resolve("statm"), "5000 300 200 10 0 90 0\n");
        assertThat(ProcessMemory.of(folder)).hasValue(300 * 4096L);
        Files.writeString(
                folder.resolve("smaps_rollup"),
                "55d0-7fff ---p 00000000 00:00 0 [rollup]\nRss:  1000 kB\nPss:    640 kB\nPss_Dirty: 3 kB\n");
        assertThat(ProcessMemory.of(folder)).hasValue(640 * 1024L);
        assertThat(ProcessMemory.of(folder.resolve("none"))).isEmpty();
        Files.delete(folder.resolve("smaps_rollup"));
        Files.writeString(folder.resolve("statm"), "0 0 0 0 0 0 0\n");
        assertThat(ProcessMemory.of(folder)).isEmpty();
    }
}
