package dev.sallyport.image.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.image.ImageStore;
import dev.sallyport.image.Workspace;
import dev.sallyport.image.journal.MarkedProcesses;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CommandsTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    @TempDir
    Path cache;

    private Workspace workspace;
    private Commands commands;

    @BeforeEach
    void open() {
        workspace = ImageStore.open(cache).workspace("part");
        commands = new Commands(
                cache.resolve("part.log"), workspace, Map.of("https_proxy", "http://proxy:3128", "TOKEN", "secret"));
    }

    @AfterEach
    void close() {
        workspace.close();
    }

    @Test
    void whatIsSaidIsLoggedAndHeard() throws Exception {
        List<String> heard = new ArrayList<>();

        commands.run(new Commands.Command(shell("echo one; echo two >&2"), Map.of("EXTRA", "x"), SOON, heard::add));

        assertThat(heard).containsExactly("one", "two");
        assertThat(commands.log()).content().contains("$ sh -c echo one", "one\ntwo\nexit 0\n");
    }

    @Test
    void onlyWhatIsNeededOfTheEnvironmentIsPassedOn() throws Exception {
        List<String> heard = new ArrayList<>();

        commands.run(new Commands.Command(List.of("env"), Map.of("EXTRA", "x"), SOON, heard::add));

        assertThat(heard)
                .contains("https_proxy=http://proxy:3128", "EXTRA=x", "TMPDIR=" + workspace.folder())
                .anyMatch(line -> line.startsWith(MarkedProcesses.VARIABLE + "="))
                .noneMatch(line -> line.startsWith("TOKEN="));
    }

    @Test
    void aFailureHasItsLastLines() {
        assertThatThrownBy(() -> run("for n in $(seq 100); do echo line $n; done; exit 3"))
                .isInstanceOfSatisfying(FailureException.class, failure -> {
                    assertThat(failure.reason().code()).isEqualTo(CauseCode.IMAGE_BUILD_FAILED);
                    assertThat(failure.reason().detail()).contains("ended with 3", "part.log");
                    assertThat(failure.reason().evidence()).hasSize(20).endsWith("line 100");
                });
    }

    @Test
    void aFullDiskHasAName() {
        assertThatThrownBy(() -> run("echo 'write: No space left on device'; exit 1"))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.reason().code()).isEqualTo(CauseCode.DISK_FULL));
    }

    @Test
    void aProgramThatIsNotThereHasAName() {
        assertThatThrownBy(() -> commands.run(new Commands.Command(List.of("no-such-program"), SOON)))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.reason().evidence())
                                .anyMatch(line -> line.contains("no-such-program")));
    }

    @Test
    void whatTakesTooLongIsEndedWithAllThatItStarted() {
        BlockingQueue<String> pids = new LinkedBlockingQueue<>();

        assertThatThrownBy(() -> commands.run(new Commands.Command(
                        shell("sleep 600 & echo $!; trap '' TERM; sleep 600"),
                        Map.of(),
                        Duration.ofSeconds(1),
                        pids::add)))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.reason().detail()).contains("longer than 1 s"));

        assertThat(pids).hasSize(1);
        assertEnded(Long.parseLong(pids.element()));
    }

    @Test
    void whatIsInterruptedIsEndedWithAllThatItStarted() throws Exception {
        BlockingQueue<String> pids = new LinkedBlockingQueue<>();
        var thrown = new AtomicReference<Throwable>();
        Thread thread = Thread.ofVirtual().start(() -> {
            try {
                commands.run(new Commands.Command(shell("sleep 600 & echo $!; wait"), Map.of(), SOON, pids::add));
            } catch (InterruptedException | FailureException e) {
                thrown.set(e);
            }
        });
        String pid = pids.poll(30, TimeUnit.SECONDS);
        assertThat(pid).isNotNull();

        thread.interrupt();
        assertThat(thread.join(SOON)).isTrue();

        assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
        assertEnded(Long.parseLong(pid));
    }

    @Test
    void oneFailureEndsTheOthers() throws Exception {
        BlockingQueue<String> pids = new LinkedBlockingQueue<>();
        var other = new Commands(Files.createFile(cache.resolve("other.log")), workspace, Map.of());
        try (var together = new Together()) {
            together.start(List.of(
                    () -> {
                        other.run(new Commands.Command(shell("echo $$; exec sleep 600"), Map.of(), SOON, pids::add));
                        return "";
                    },
                    () -> {
                        pids.put(pids.take());
                        throw FailureException.of(CauseCode.IMAGE_BUILD_FAILED, "The second failed.");
                    }));
            assertThatThrownBy(together::await).hasMessageContaining("The second failed.");
        }
        assertEnded(Long.parseLong(pids.element()));
    }

    @Test
    void dpkgsWordsBecomeProgress() {
        List<BuildListener.Step> steps = new ArrayList<>();
        var meter = new DebianMaker.Meter(new Progress(steps::add, "root"));

        List.of(
                        "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
                        "Need to get 26.2 MB/30 MB of archives.",
                        "Unpacking git (1) ...",
                        "Unpacking less (1) ...",
                        "Setting up git (1) ...",
                        "Setting up less (1) ...",
                        "sallyport: writing")
                .forEach(meter::heard);

        assertThat(steps).extracting(BuildListener.Step::percent).containsExactly(5, 40, 55, 70, 85, 92);
        assertThat(steps).first().extracting(BuildListener.Step::bytes).isEqualTo(26_200_000L);
        assertThat(steps).extracting(BuildListener.Step::part).containsOnly("root");
    }

    private void run(String script) throws InterruptedException {
        commands.run(new Commands.Command(shell(script), SOON));
    }

    private static List<String> shell(String script) {
        return List.of("sh", "-c", script);
    }

    /** Ended, or about to be reaped by whoever inherited it. */
    private static void assertEnded(long pid) {
        boolean alive = ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
        if (alive) {
            String state = state(pid);
            assertThat(state).as("state of process %s", pid).isIn("Z", "X", "gone");
        }
    }

    private static String state(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return stat.substring(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
        } catch (java.io.IOException e) {
            return "gone";
        }
    }
}
