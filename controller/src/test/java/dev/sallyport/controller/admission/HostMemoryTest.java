package dev.sallyport.controller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostMemoryTest {
    private static final long MIB = 1 << 20;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path root;

    private HostMemory memory = new HostMemory(Path.of("/"));

    @BeforeEach
    void aHost() throws IOException {
        memory = new HostMemory(root);
        write("proc/meminfo", """
                MemTotal:       8388608 kB
                MemFree:         524288 kB
                MemAvailable:   4194304 kB
                Buffers:         162372 kB
                """);
    }

    @Test
    void withoutControlGroupsItIsTheKernelsOwnFigure() {
        assertThat(memory.total()).isEqualTo(8192 * MIB);
        assertThat(memory.available()).isEqualTo(4096 * MIB);
    }

    @Test
    void aGroupsLimitBoundsIt() throws IOException {
        write("proc/self/cgroup", "0::/system.slice/sallyport.service\n");
        group("system.slice/sallyport.service", "2147483648", 1024 * MIB, 256 * MIB);

        assertThat(memory.total()).isEqualTo(2048 * MIB);
        assertThat(memory.available())
                .as("what the kernel takes back counts as free")
                .isEqualTo(1280 * MIB);
    }

    @Test
    void theTightestOfTheGroupsAboveCounts() throws IOException {
        write("proc/self/cgroup", "1:name=systemd:/elsewhere\n0::/a/b\n");
        group("a/b", "max", 10 * MIB, 0);
        group("a", Long.toString(1024 * MIB), 1000 * MIB, 100 * MIB);
        group("", Long.toString(3072 * MIB), 1024 * MIB, 0);

        assertThat(memory.total()).isEqualTo(1024 * MIB);
        assertThat(memory.available()).isEqualTo(124 * MIB);
    }

    @Test
    void throttlingBeginsBeforeKilling() throws IOException {
        write("proc/self/cgroup", "0::/a\n");
        group("a", Long.toString(2048 * MIB), 512 * MIB, 0);
        write("sys/fs/cgroup/a/memory.high", 1024 * MIB + "\n");

        assertThat(memory.available()).isEqualTo(512 * MIB);
    }

    @Test
    void aGroupOverItsLimitHasNothing() throws IOException {
        write("proc/self/cgroup", "0::/a\n");
        group("a", "1048576", 5 * MIB, 0);

        assertThat(memory.available()).isZero();
    }

    @Test
    void aGroupOutsideOfWhatIsSeenIsBoundedByTheRoot() throws IOException {
        write("proc/self/cgroup", "0::/../../other\n");
        group("", Long.toString(64 * MIB), 0, 0);

        assertThat(memory.available()).isEqualTo(64 * MIB);
    }

    @Test
    void unlimitedGroupsBoundNothing() throws IOException {
        write("proc/self/cgroup", "0::/a\n");
        group("a", "max", 1024 * MIB, 0);

        assertThat(memory.available()).isEqualTo(4096 * MIB);
    }

    @Test
    void aHostThatDoesNotTellIsAFailure() throws IOException {
        Files.delete(root.resolve("proc/meminfo"));

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> memory.available())
                .withMessageContaining("MemAvailable");
    }

    @Test
    void aProcessHoldsItsShare() throws IOException {
        write("proc/7/smaps_rollup", """
                55de00115000-7ffca4af0000 ---p 00000000 00:00 0                          [rollup]
                Rss:                1728 kB
                Pss:                 270 kB
                Pss_Dirty:           116 kB
                """);
        write("proc/7/status", "VmRSS:\t    1936 kB\n");

        assertThat(memory.residentOf(7)).isEqualTo(270 << 10);
    }

    @Test
    void whereTheShareMayNotBeReadItIsAllThatIsMapped() throws IOException {
        write("proc/7/status", "Name:\tqemu\nVmRSS:\t    1936 kB\n");

        assertThat(memory.residentOf(7)).isEqualTo(1936 << 10);
    }

    @Test
    void aProcessThatIsGoneHoldsNothing() {
        assertThat(memory.residentOf(7)).isZero();
    }

    /** Machines are also ended by threads that were interrupted. */
    @Test
    void thisHostTellsAlsoToAnInterruptedThread() {
        var host = new HostMemory(Path.of("/"));
        Thread.currentThread().interrupt();
        try {
            assertThat(host.available()).isBetween(1L, host.total());
            assertThat(host.residentOf(ProcessHandle.current().pid())).isPositive();
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    private void group(String path, String max, long current, long inactive) throws IOException {
        String folder = "sys/fs/cgroup/" + path;
        write(folder + "/memory.max", max + "\n");
        write(folder + "/memory.current", current + "\n");
        write(folder + "/memory.stat", "anon 1\nactive_file 4096\ninactive_file " + inactive + "\n");
    }

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }
}
