package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ProcessIdentityTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final String marker = "test-" + UUID.randomUUID();
    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void end() {
        processes.forEach(Process::destroyForcibly);
    }

    @Test
    void aProcessIsFoundByItsMarkerAloneAndKilled() throws Exception {
        Process ours = start(marker, "sleep", "1000");
        Process other = start(marker + "-other", "sleep", "1000");
        // Whose arguments hold the marker is not who carries it.
        Process talker = start("talker", "sh", "-c", "exec sleep 1000 # " + marker);

        assertThat(pids(marker)).containsExactly(ours.pid());
        assertThat(ProcessIdentity.killAll(marker, SOON)).isEmpty();

        assertThat(ours.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(ours.exitValue()).isEqualTo(137);
        assertThat(other.isAlive()).isTrue();
        assertThat(talker.isAlive()).isTrue();
        assertThat(ProcessIdentity.find(marker)).isEmpty();
        assertThat(ProcessIdentity.killAll(marker, SOON)).isEmpty();
    }

    @Test
    void childrenCarryTheMarkerAndGoToo() throws Exception {
        Process parent = start(marker, "sh", "-c", "sleep 1000 & sleep 1000 & wait");
        long deadline = System.nanoTime() + SOON.toNanos();
        while (pids(marker).size() < 3 && System.nanoTime() < deadline) {
            Thread.onSpinWait(); // The shell says nothing when it has started its children.
        }
        Set<Long> all = pids(marker);
        assertThat(all).hasSize(3).contains(parent.pid());

        assertThat(ProcessIdentity.killAll(marker, SOON)).isEmpty();

        assertThat(pids(marker)).isEmpty();
    }

    @Test
    void aRecycledPidIsSomebodyElse() throws Exception {
        Process stranger = start(marker, "sleep", "1000");
        ProcessIdentity identity = ProcessIdentity.of(stranger.pid()).orElseThrow();
        assertThat(identity.alive()).isTrue();

        var earlier = new ProcessIdentity(identity.pid(), identity.startTicks() - 1, marker);
        var unmarked = new ProcessIdentity(identity.pid(), identity.startTicks(), marker + "x");
        assertThat(earlier.alive()).isFalse();
        assertThat(earlier.kill(SOON)).isTrue();
        assertThat(unmarked.kill(SOON)).isTrue();

        assertThat(stranger.isAlive()).isTrue();
        assertThat(identity.kill(SOON)).isTrue();
        assertThat(identity.alive()).isFalse();
    }

    @Test
    void whoHasNoMarkerOrIsNotThereHasNoIdentity() {
        assertThat(ProcessIdentity.of(ProcessHandle.current().pid())).isEmpty();
        assertThat(ProcessIdentity.of(1L << 30)).isEmpty();
    }

    private static Set<Long> pids(String marker) throws Exception {
        return ProcessIdentity.find(marker).stream().map(ProcessIdentity::pid).collect(Collectors.toSet());
    }

    private Process start(String value, String... command) throws Exception {
        var builder = new ProcessBuilder(command);
        builder.environment().put(ProcessIdentity.VARIABLE, value);
        Process process = builder.start();
        processes.add(process);
        return process;
    }
}
