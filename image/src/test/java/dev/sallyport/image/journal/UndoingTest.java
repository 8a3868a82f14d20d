package dev.sallyport.image.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sallyport.image.journal.Thing.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class UndoingTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir
    Path parent;

    private final String marker = "test-" + UUID.randomUUID();
    private final List<Process> started = new ArrayList<>();
    private final List<String> keys = new ArrayList<>();
    private final Undoing undoing = new Undoing(keys::add);
    private Path home;

    @BeforeEach
    void makeHome() throws IOException {
        home = Files.createDirectory(parent.resolve(UUID.randomUUID().toString()));
    }

    @AfterEach
    void end() {
        started.forEach(Process::destroyForcibly);
    }

    @Test
    void aFolderGoesWithAllThatIsInItAndLinksAreNotFollowed() throws IOException {
        Path outside = Files.createDirectory(parent.resolve("outside"));
        Files.writeString(outside.resolve("kept"), "kept");
        Path folder = Files.createDirectories(home.resolve("work/a/b"));
        Files.createSymbolicLink(folder.resolve("link"), outside);

        assertThat(undoing.undo(home, folder("work"))).isEmpty();
        assertThat(undoing.undo(home, folder("work"))).isEmpty();

        assertThat(home).isEmptyDirectory();
        assertThat(outside.resolve("kept")).exists();
    }

    @Test
    void aFolderThatIsNotABuildsIsNotTouched() throws IOException {
        Path stranger = Files.createDirectory(parent.resolve("stranger"));

        for (String name : List.of("../stranger", stranger.toString(), ".", "..", "work/../../stranger")) {
            assertThat(undoing.undo(home, folder(name))).as(name).hasSize(1);
        }
        assertThat(stranger).exists();
        assertThat(home).exists();
    }

    @Test
    void theFolderOutsideIsRemoved() throws IOException {
        Path outside = Files.createDirectory(Undoing.outside(home));
        Files.writeString(outside.resolve("file"), "");

        assertThat(undoing.undo(home, folder(outside.toString()))).isEmpty();

        assertThat(outside).doesNotExist();
    }

    @Test
    void whatIsMountedInItIsUnmountedAndNotDeleted() throws Exception {
        Path kept = Files.createDirectory(parent.resolve("kept"));
        Files.writeString(kept.resolve("file"), "kept");
        Path mount = Files.createDirectories(home.resolve("work/root/with blank"));
        assumeTrue(run("mount", "--bind", kept.toString(), mount.toString()) == 0, "mounting needs root");
        assertThat(Folders.mountsBelow(home)).hasSize(1);

        assertThat(undoing.undo(home, folder("work"))).isEmpty();

        assertThat(Folders.mountsBelow(home)).isEmpty();
        assertThat(home.resolve("work")).doesNotExist();
        assertThat(kept.resolve("file")).hasContent("kept");
    }

    @Test
    void aProcessIsEndedWithAllThatItStartedAndNobodyElse() throws Exception {
        // One that inherits the marker, in a session of its own; one that has thrown its environment away; one of both.
        Process leader = start(
                marker,
                "setsid",
                "sh",
                "-c",
                "setsid sleep 600 & echo $!; env -i /bin/sleep 600 & echo $!; env -i setsid sleep 600 & echo $!; echo; wait");
        Process stranger = start(marker + "0", "sleep", "600");
        List<ProcessHandle> started = new ArrayList<>(List.of(leader.toHandle()));
        var lines = new BufferedReader(new InputStreamReader(leader.getInputStream(), StandardCharsets.UTF_8));
        for (String line = lines.readLine(); !line.isEmpty(); line = lines.readLine()) {
            started.add(ProcessHandle.of(Long.parseLong(line)).orElseThrow());
        }
        assertThat(started).hasSize(4);
        assertThat(MarkedProcesses.pids(marker))
                .containsExactlyInAnyOrderElementsOf(
                        started.stream().map(ProcessHandle::pid).toList());
        var thing = new Thing(Kind.PROCESS, marker, "test");

        assertThat(undoing.undo(home, thing)).isEmpty();
        assertThat(undoing.undo(home, thing)).isEmpty();

        assertThat(MarkedProcesses.pids(marker)).isEmpty();
        for (ProcessHandle process : started) {
            process.onExit().get(SOON.toSeconds(), TimeUnit.SECONDS);
        }
        assertThat(stranger.isAlive()).isTrue();
    }

    @Test
    void whatBecomesOfAKeyIsTheStoresAffair() {
        assertThat(undoing.undo(home, new Thing(Kind.KEY, "node-00.json", "node")))
                .isEmpty();
        assertThat(keys).containsExactly("node-00.json");
        Undoing failing = new Undoing(key -> {
            throw new IOException("no");
        });
        assertThat(failing.undo(home, new Thing(Kind.KEY, "node-00.json", "node")))
                .hasSize(1);
    }

    private static Thing folder(String name) {
        return new Thing(Kind.FOLDER, name, "test");
    }

    private Process start(String mark, String... command) throws IOException {
        var builder = new ProcessBuilder(command);
        builder.environment().put(MarkedProcesses.VARIABLE, mark);
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private static int run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }
}
