package dev.sallyport.machine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A console that is written to a file as it comes and yet bounded: the first bytes tell how a machine came up, the last how it
 * ended, and those between are left out, with a line that says so. The file is in order and whole at every moment; it grows to
 * the head and twice the tail, and is then cut back to the head and the tail.
 */
public final class SpooledConsole implements Console, AutoCloseable {
    /** Bytes of the beginning that are kept by {@link #SpooledConsole(Path)}. */
    public static final int HEAD_BYTES = 256 * 1024;
    /** Bytes of the end that are kept by {@link #SpooledConsole(Path)}. */
    public static final int TAIL_BYTES = 256 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(SpooledConsole.class);
    private static final int REMEMBERED_LINES = 400;

    /** What {@link #cutBack()} writes between the head and the tail. A guest may write the same there: then its count is a lie, and no more. */
    private static final Pattern GAP = Pattern.compile("\n\\[sallyport: (\\d{1,15}) bytes left out here]\n");

    private static final int GAP_BYTES = 80;

    /** A line and when it came. */
    private record Stamped(Instant at, String text) {}

    private record Waiter(Predicate<String> wanted, CompletableFuture<Optional<String>> found) {}

    private final Path file;
    private final FileChannel channel;
    private final int headBytes;
    private final int tailBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Stamped> firstLines = new ArrayDeque<>();
    private final ArrayDeque<Stamped> lastLines = new ArrayDeque<>();
    private final CopyOnWriteArrayList<Waiter> waiters = new CopyOnWriteArrayList<>();
    private final CopyOnWriteArrayList<Reader> readers = new CopyOnWriteArrayList<>();
    private final ConsoleLines splitter = new ConsoleLines(this::onLine);
    private long bytes;
    private long leftOut;
    /** Where the tail begins in the file: after the head, and the line about what was left out once there is one. */
    private long tailStart;

    /** When the lines came that are read again; null when they come now. */
    private @Nullable Instant stamp;

    private boolean closed;
    private @Nullable IOException failure;

    /**
     * A console with the usual bounds.
     *
     * @throws IOException when the file cannot be made
     */
    public SpooledConsole(Path file) throws IOException {
        this(file, HEAD_BYTES, TAIL_BYTES);
    }

    /**
     * @param file replaced when it is there
     * @param headBytes how many of the first bytes are kept
     * @param tailBytes how many of the last bytes are kept at least
     * @throws IOException when the file cannot be made
     */
    public SpooledConsole(Path file, int headBytes, int tailBytes) throws IOException {
        this(file, headBytes, tailBytes, StandardOpenOption.TRUNCATE_EXISTING);
    }

    private SpooledConsole(Path file, int headBytes, int tailBytes, OpenOption... more) throws IOException {
        this.file = file;
        this.headBytes = headBytes;
        this.tailBytes = tailBytes;
        this.tailStart = headBytes;
        var options = new HashSet<OpenOption>(
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE));
        options.addAll(List.of(more));
        this.channel = FileChannel.open(
                file, options, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }

    /**
     * Goes on with the console that an earlier process wrote, with the usual bounds: its bytes count, its lines are remembered as far
     * as they were kept, and what comes is appended. When those lines came is not known: they carry the time of the file's last.
     *
     * @param file made when it is not there
     * @throws IOException when the file cannot be read and written
     */
    public static SpooledConsole reopen(Path file) throws IOException {
        return reopen(file, HEAD_BYTES, TAIL_BYTES);
    }

    static SpooledConsole reopen(Path file, int headBytes, int tailBytes) throws IOException {
        Instant last = Files.exists(file) ? Files.getLastModifiedTime(file).toInstant() : Instant.now();
        var console = new SpooledConsole(file, headBytes, tailBytes, new OpenOption[0]);
        try {
            console.restore(last);
            return console;
        } catch (IOException e) {
            console.channel.close();
            throw e;
        }
    }

    private void restore(Instant last) throws IOException {
        long size = channel.size();
        ByteBuffer buffer = ByteBuffer.allocate(GAP_BYTES);
        channel.read(buffer, headBytes);
        Matcher gap = GAP.matcher(new String(buffer.array(), 0, buffer.position(), StandardCharsets.ISO_8859_1));
        if (gap.lookingAt()) {
            leftOut = Long.parseLong(gap.group(1));
            tailStart = headBytes + (long) gap.end();
        }
        bytes = size - (tailStart - headBytes) + leftOut;
        stamp = last;
        buffer = ByteBuffer.allocate(16 * 1024);
        for (long at = 0; channel.read(buffer, at) >= 0; buffer.clear()) {
            splitter.accept(buffer.array(), 0, buffer.position());
            at += buffer.position();
        }
        stamp = null;
    }

    /**
     * Reads a channel to its end, and closes this console then. Blocks.
     *
     * @param source closed at the end
     */
    public void pump(ReadableByteChannel source) {
        try (source;
                this) {
            ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);
            while (source.read(buffer) >= 0) {
                append(buffer.array(), 0, buffer.position());
                buffer.clear();
            }
        } catch (ClosedByInterruptException e) {
            LOG.debug("reading {} was interrupted", file);
        } catch (IOException e) {
            // The hypervisor was killed: a reset instead of an orderly end. All that came until then is kept.
            LOG.debug("the console of {} ended with {}", file, e.toString());
        }
    }

    /** Takes {@code length} more bytes. */
    public void append(byte[] source, int offset, int length) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            bytes += length;
            keep(source, offset, length);
            splitter.accept(source, offset, length);
        } finally {
            lock.unlock();
        }
    }

    private void keep(byte[] source, int offset, int length) {
        if (failure != null) {
            return;
        }
        try {
            ByteBuffer rest = ByteBuffer.wrap(source, offset, length);
            while (rest.hasRemaining()) {
                channel.write(rest, channel.size());
                if (channel.size() >= tailStart + 2L * tailBytes) {
                    cutBack();
                }
            }
        } catch (IOException e) {
            // A full disk must not end the machine, nor its diagnosis by the lines in memory.
            failure = e;
            LOG.warn("the console log {} is no longer written: {}", file, e.toString());
        }
    }

    /** Leaves the head, a line about the gap, and the last {@link #tailBytes}. */
    private void cutBack() throws IOException {
        ByteBuffer tail = ByteBuffer.allocate(tailBytes);
        long from = channel.size() - tailBytes;
        while (tail.hasRemaining()) {
            if (channel.read(tail, from + tail.position()) < 0) {
                throw new IOException("the console log was made shorter by somebody else");
            }
        }
        leftOut += from - tailStart;
        byte[] gap = ("\n[sallyport: " + leftOut + " bytes left out here]\n").getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(gap.length + tailBytes)
                .put(gap)
                .put(tail.flip())
                .flip();
        // Written over what is there, and cut off then: whoever is killed between leaves lines twice, not none.
        tailStart = headBytes + (long) gap.length;
        long at = headBytes;
        while (all.hasRemaining()) {
            at += channel.write(all, at);
        }
        channel.truncate(at);
    }

    private void onLine(String text) {
        var line = new Stamped(stamp == null ? Instant.now() : stamp, text);
        if (firstLines.size() < REMEMBERED_LINES) {
            firstLines.add(line);
        } else {
            if (lastLines.size() == REMEMBERED_LINES) {
                lastLines.remove();
            }
            lastLines.add(line);
        }
        for (Reader reader : readers) {
            reader.line(line.at(), text);
        }
        for (Waiter waiter : waiters) {
            if (waiter.wanted().test(text)) {
                waiter.found().complete(Optional.of(text));
            }
        }
    }

    @Override
    public Path file() {
        return file;
    }

    @Override
    public long bytes() {
        lock.lock();
        try {
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<String> lastLines(int count) {
        lock.lock();
        try {
            var all = new ArrayList<String>();
            firstLines.forEach(line -> all.add(line.text()));
            lastLines.forEach(line -> all.add(line.text()));
            String partial = splitter.partial();
            if (!partial.isBlank()) {
                all.add(partial);
            }
            return List.copyOf(all.subList(Math.max(0, all.size() - Math.max(0, count)), all.size()));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Following follow(Reader reader) {
        lock.lock();
        try {
            for (var lines : List.of(firstLines, lastLines)) {
                lines.forEach(line -> reader.line(line.at(), line.text()));
            }
            readers.add(reader);
        } finally {
            lock.unlock();
        }
        return () -> readers.remove(reader);
    }

    @Override
    public Optional<String> awaitLine(Predicate<String> wanted, Duration atMost) throws InterruptedException {
        var waiter = new Waiter(wanted, new CompletableFuture<>());
        lock.lock();
        try {
            for (var lines : List.of(firstLines, lastLines)) {
                for (Stamped line : lines) {
                    if (wanted.test(line.text())) {
                        return Optional.of(line.text());
                    }
                }
            }
            if (closed) {
                return Optional.empty();
            }
            waiters.add(waiter);
        } finally {
            lock.unlock();
        }
        try {
            return waiter.found().get(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes this exceptionally", e);
        } finally {
            waiters.remove(waiter);
        }
    }

    /** Waits until the console has ended and all of it is there; false when it has not {@code atMost}. */
    public boolean awaitEnd(Duration atMost) throws InterruptedException {
        awaitLine(line -> false, atMost);
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing more comes. Closing twice is harmless. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            splitter.finish();
            closed = true;
            waiters.forEach(waiter -> waiter.found().complete(Optional.empty()));
            channel.close();
        } catch (IOException e) {
            LOG.warn("the console log {} was not closed: {}", file, e.toString());
        } finally {
            lock.unlock();
        }
    }
}
