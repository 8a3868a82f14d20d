package dev.sallyport.controller.logs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LogRetentionTest {
    private static final Instant NOW = Instant.parse("2026-05-20T12:00:00Z");
    private static final Duration TWO_WEEKS = Duration.ofDays(14);

    @TempDir
    private Path folder;

    private final Set<MachineId> alive = new HashSet<>();
    private Path consoles = Path.of("");
    private Path builds = Path.of("");

    @BeforeEach
    void makeFolders() throws IOException {
        consoles = Files.createDirectories(folder.resolve("data/logs/machines"));
        builds = Files.createDirectories(folder.resolve("cache/logs/builds"));
    }

    @Test
    void whatIsOlderThanTheLimitGoesAndTheRestStays() throws IOException {
        Path old = console("m-aaaaaaaaaaaa", 10, Duration.ofDays(15));
        Path young = console("m-bbbbbbbbbbbb", 10, Duration.ofDays(13));
        Path oldBuild = build("20260501T100000.000Z-browser", 10, Duration.ofDays(16));
        Path youngBuild = build("20260519T100000.000Z-cli", 10, Duration.ofDays(1));
        assertThat(retention(1000).sweep()).containsExactly(oldBuild, old);
        assertThat(old).doesNotExist();
        assertThat(oldBuild).doesNotExist();
        assertThat(young).exists();
        assertThat(youngBuild).exists();
    }

    @Test
    void theOldestGoUntilTheRestFits() throws IOException {
        Path third = console("m-aaaaaaaaaaaa", 400, Duration.ofHours(5));
        Path first = build("20260519T100000.000Z-cli", 400, Duration.ofHours(9));
        Path second = console("m-bbbbbbbbbbbb", 400, Duration.ofHours(7));
        Path fourth = console("m-cccccccccccc", 400, Duration.ofHours(3));
        assertThat(retention(800).sweep()).containsExactly(first, second);
        assertThat(third).exists();
        assertThat(fourth).exists();
        assertThat(retention(800).sweep()).isEmpty();
    }

    @Test
    void aLivingMachinesLogStaysHoweverOldAndLargeItIs() throws IOException {
        Path log = console("m-aaaaaaaaaaaa", 5000, Duration.ofDays(90));
        alive.add(new MachineId("m-aaaaaaaaaaaa"));
        assertThat(retention(100).sweep()).isEmpty();
        alive.clear();
        assertThat(retention(100).sweep()).containsExactly(log);
    }

    @Test
    void aBuildThatMayBeUnderWayStays() throws IOException {
        Path running = build("20260520T080000.000Z-browser", 5000, Duration.ofMinutes(59));
        assertThat(retention(100).sweep()).isEmpty();
        assertThat(running).exists();
    }

    @Test
    void whatDoesNotHaveTheNameOfALogOfOursStays() throws IOException {
        Path notes = file(consoles.resolve("notes.txt"), 500, Duration.ofDays(90));
        Path almost = file(consoles.resolve("m-AAAAAAAAAAAA.console"), 500, Duration.ofDays(90));
        Path build = build("20260401T100000.000Z-browser", 10, Duration.ofDays(49));
        Path foreign = file(build.resolve("mine.txt"), 500, Duration.ofDays(49));
        Path other = Files.createDirectories(builds.resolve("archive"));
        Path outside = file(folder.resolve("outside.console"), 500, Duration.ofDays(90));
        Path link = Files.createSymbolicLink(consoles.resolve("m-dddddddddddd.console"), outside);
        assertThat(retention(0).sweep()).containsExactly(build);
        assertThat(build.resolve("kernel.log")).doesNotExist();
        assertThat(foreign).exists();
        assertThat(notes).exists();
        assertThat(almost).exists();
        assertThat(other).exists();
        assertThat(link).exists();
        assertThat(outside).exists();
        assertThat(retention(0).sweep()).as("nothing of ours is left").isEmpty();
    }

    @Test
    void aCopyThatWasCutShortGoesToo() throws IOException {
        Path part = file(consoles.resolve("m-aaaaaaaaaaaa.console.part"), 10, Duration.ofDays(15));
        assertThat(retention(1000).sweep()).containsExactly(part);
    }

    @Test
    void withoutAnyLogThereIsNothingToDo() throws IOException {
        Files.delete(consoles);
        Files.delete(builds);
        assertThat(retention(0).sweep()).isEmpty();
    }

    private LogRetention retention(long bytes) {
        return new LogRetention(
                folder.resolve("data"),
                folder.resolve("cache"),
                new LogRetention.Limits(TWO_WEEKS, bytes),
                alive::contains,
                () -> NOW);
    }

    private Path console(String machine, int bytes, Duration age) throws IOException {
        return file(consoles.resolve(machine + ".console"), bytes, age);
    }

    private Path build(String name, int bytes, Duration age) throws IOException {
        Path build = Files.createDirectories(builds.resolve(name));
        file(build.resolve("kernel.log"), bytes, age);
        return build;
    }

    private static Path file(Path path, int bytes, Duration age) throws IOException {
        Files.write(path, new byte[bytes]);
        return Files.setLastModifiedTime(path, FileTime.from(NOW.minus(age)));
    }
}
