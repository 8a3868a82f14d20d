package dev.sallyport.controller.logs;

import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes the oldest logs of machines and of image builds: those that are too old, and as many as are too much. What does not
 * have the name of a log of ours is left alone, links are not followed, and a living machine's log stays.
 */
public final class LogRetention implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LogRetention.class);
    private static final Duration PERIOD = Duration.ofHours(1);
    /** A build whose log was written to so lately may be under way, in another process. */
    private static final Duration BUILDING = Duration.ofHours(1);

    private static final Pattern CONSOLE = Pattern.compile("(m-[a-z2-7]{12})\\.console(\\.part)?");
    private static final Pattern BUILD = Pattern.compile("[0-9]{8}T[0-9]{6}\\.[0-9]{3}Z-[^/]+");
    private static final Pattern BUILD_LOG = Pattern.compile("[^/]+\\.log");

    /**
     * How much is kept.
     *
     * @param age since the last line
     * @param bytes of all logs together
     */
    public record Limits(Duration age, long bytes) {}

    /** One log: a console's file, or a build's folder ({@code machine} is null then). */
    private record Log(Path path, @Nullable MachineId machine, List<Path> files, long bytes, Instant last) {}

    private final Path consoles;
    private final Path builds;
    private final Limits limits;
    private final Predicate<MachineId> alive;
    private final InstantSource clock;
    private final Thread thread;

    /**
     * @param data the data folder, whose {@code logs/machines} is looked after
     * @param cache the cache folder, whose {@code logs/builds} is
     * @param alive says whether a machine still lives
     */
    public LogRetention(Path data, Path cache, Limits limits, Predicate<MachineId> alive, InstantSource clock) {
        this.consoles = ConsoleLogs.folder(data);
        this.builds = cache.resolve("logs").resolve("builds");
        this.limits = limits;
        this.alive = alive;
        this.clock = clock;
        this.thread = Thread.ofVirtual().name("log retention").unstarted(this::run);
    }

    /** Begins to look after the logs: now, and every hour. */
    public LogRetention start() {
        thread.start();
        return this;
    }

    /**
     * Looks once.
     *
     * @return what was removed, the oldest first
     */
    public List<Path> sweep() throws IOException {
        List<Log> logs = new ArrayList<>(consoles());
        logs.addAll(builds());
        logs.sort(Comparator.comparing(Log::last).thenComparing(Log::path));
        long total = logs.stream().mapToLong(Log::bytes).sum();
        Instant now = clock.instant();
        List<Path> removed = new ArrayList<>();
        for (Log log : logs) {
            boolean tooOld = log.last().isBefore(now.minus(limits.age()));
            if ((tooOld || total > limits.bytes()) && !inUse(log, now) && remove(log)) {
                total -= log.bytes();
                removed.add(log.path());
            }
        }
        return removed;
    }

    /** Ends it, and waits until it no longer touches a file. */
    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                List<Path> removed = sweep();
                if (!removed.isEmpty()) {
                    LOG.info("{} old logs are removed", removed.size());
                }
            } catch (IOException | RuntimeException e) {
                LOG.warn("Old logs could not be looked for", e); // The next hour tries again.
            }
            try {
                Thread.sleep(PERIOD);
            } catch (InterruptedException e) {
                return; // Closed.
            }
        }
    }

    private boolean inUse(Log log, Instant now) {
        return log.machine() == null ? log.last().isAfter(now.minus(BUILDING)) : alive.test(log.machine());
    }

    private static boolean remove(Log log) {
        try {
            for (Path file : log.files()) {
                Files.deleteIfExists(file);
            }
            return Files.deleteIfExists(log.path()) || log.machine() != null;
        } catch (DirectoryNotEmptyException e) {
            return !log.files().isEmpty(); // Something that is not ours lies in it, and stays.
        } catch (IOException e) {
            LOG.warn("The log {} could not be removed: {}", log.path(), e.toString());
            return false;
        }
    }

    private List<Log> consoles() throws IOException {
        List<Log> logs = new ArrayList<>();
        for (Path file : list(consoles)) {
            Matcher name = CONSOLE.matcher(file.getFileName().toString());
            BasicFileAttributes is = attributes(file);
            if (is != null && is.isRegularFile() && name.matches()) {
                logs.add(new Log(
                        file,
                        new MachineId(name.group(1)),
                        List.of(),
                        is.size(),
                        is.lastModifiedTime().toInstant()));
            }
        }
        return logs;
    }

    private List<Log> builds() throws IOException {
        List<Log> logs = new ArrayList<>();
        for (Path folder : list(builds)) {
            BasicFileAttributes is = attributes(folder);
            if (is == null
                    || !is.isDirectory()
                    || !BUILD.matcher(folder.getFileName().toString()).matches()) {
                continue;
            }
            List<Path> files = new ArrayList<>();
            long bytes = 0;
            // The folder's own time is that of the last file's making, and changes when one is removed.
            Instant last = Instant.MIN;
            for (Path file : list(folder)) {
                BasicFileAttributes of = attributes(file);
                if (of != null
                        && of.isRegularFile()
                        && BUILD_LOG.matcher(file.getFileName().toString()).matches()) {
                    files.add(file);
                    bytes += of.size();
                    last = later(last, of.lastModifiedTime().toInstant());
                }
            }
            if (files.isEmpty()) {
                last = is.lastModifiedTime().toInstant();
            }
            logs.add(new Log(folder, null, files, bytes, last));
        }
        return logs;
    }

    private static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }

    private static List<Path> list(Path folder) throws IOException {
        List<Path> all = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(all::add);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of(); // Nothing was ever kept there.
        }
        return all;
    }

    /** Of the entry itself, not of what a link points at; null when it is gone by now. */
    private static @Nullable BasicFileAttributes attributes(Path file) throws IOException {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            return null;
        }
    }
}
