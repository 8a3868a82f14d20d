package dev.sallyport.image.journal;

import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What was made for one part of an image, in order: the file {@code journal} in a folder of its own. Each thing is in it, on the disk,
 * before it is made, and is struck out when it is undone or has become what it was made for. Whoever makes the part holds a lock on the
 * file for as long as it lives: a journal whose lock is free is a dead builder's, and {@link #takeOver taken over} by who undoes it.
 *
 * <p>Undoing goes backwards, meets every error, and leaves what could not be undone in the file, for another try.
 */
public final class BuildJournal implements AutoCloseable {
    private static final String FILE = "journal";
    private static final Pattern ID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final Pattern LINE = Pattern.compile("([+-]) (FOLDER|PROCESS|KEY) (\\S+) (.*)");

    /**
     * Those that this process holds. A lock belongs to the whole process (fcntl(2)) and goes when any descriptor of the file is closed, so
     * the file of such a one must not even be opened.
     */
    private static final Set<String> HELD = ConcurrentHashMap.newKeySet();

    private final Path home;
    /** Not a channel: an interrupt would close that, and the lock with it. */
    private final RandomAccessFile file;
    /** What holds the lock. */
    private final FileChannel lock;

    private final Undo undo;
    private final StepHook hook;
    private final List<Thing> made = new ArrayList<>();

    private BuildJournal(Path home, RandomAccessFile file, FileChannel lock, Undo undo, StepHook hook) {
        this.home = home;
        this.file = file;
        this.lock = lock;
        this.undo = undo;
        this.hook = hook;
    }

    /**
     * Begins one in a fresh folder below {@code parent}. The caller keeps those away who take over.
     *
     * @throws IOException when the folder or the file cannot be made
     */
    public static BuildJournal begin(Path parent, Undo undo, StepHook hook) throws IOException {
        String id = UUID.randomUUID().toString();
        Path home = parent.resolve(id);
        HELD.add(id);
        @Nullable RandomAccessFile file = null;
        try {
            Files.createDirectory(
                    home, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            file = new RandomAccessFile(home.resolve(FILE).toFile(), "rw");
            if (file.getChannel().tryLock() == null) {
                throw new IOException("somebody else holds the lock of " + home);
            }
            // A journal that a power failure removes must not leave what is written in it.
            flush(home);
            flush(parent);
            return new BuildJournal(home, file, file.getChannel(), undo, hook);
        } catch (IOException | RuntimeException e) {
            // The empty folder is removed by who takes over.
            if (file != null) {
                file.close();
            }
            HELD.remove(id);
            throw e;
        }
    }

    /**
     * Takes over the journals below {@code parent} whose builders are dead. The caller keeps those away who begin one.
     *
     * @param errors gets what could not be read
     * @return the journals; each is undone when it is closed
     */
    public static List<BuildJournal> takeOver(Path parent, Undo undo, List<String> errors) throws IOException {
        List<BuildJournal> dead = new ArrayList<>();
        List<Path> homes;
        try (var list = Files.list(parent)) {
            homes = list.filter(
                            home -> ID.matcher(home.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        }
        for (Path home : homes) {
            try {
                takeOver(home, undo).ifPresent(dead::add);
            } catch (IOException | RuntimeException e) {
                errors.add("the journal of the build " + home + " cannot be taken over: " + e);
            }
        }
        return dead;
    }

    private static Optional<BuildJournal> takeOver(Path home, Undo undo) throws IOException {
        String id = home.getFileName().toString();
        if (!HELD.add(id)) {
            return Optional.empty();
        }
        boolean taken = false;
        try {
            Optional<BuildJournal> journal = openDead(home, undo);
            taken = journal.isPresent();
            return journal;
        } finally {
            if (!taken) {
                HELD.remove(id);
            }
        }
    }

    private static Optional<BuildJournal> openDead(Path home, Undo undo) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(home.resolve(FILE), StandardOpenOption.READ, StandardOpenOption.WRITE);
        } catch (NoSuchFileException e) {
            // It died before the first thing, or after the last. Should the folder hold anything, nobody knows whose.
            Files.deleteIfExists(home);
            return Optional.empty();
        }
        boolean opened = false;
        try {
            // Whoever is just finishing removes the file before it gives the lock up.
            if (channel.tryLock() == null || !Files.exists(home.resolve(FILE))) {
                return Optional.empty();
            }
            var file = new RandomAccessFile(home.resolve(FILE).toFile(), "rw");
            var journal = new BuildJournal(home, file, channel, undo, StepHook.NONE);
            try {
                journal.read();
            } catch (IOException | RuntimeException e) {
                file.close();
                throw e;
            }
            opened = true;
            return Optional.of(journal);
        } finally {
            if (!opened) {
                channel.close();
            }
        }
    }

    /** What is written down and not struck out. A line without an end was torn by death: what it says was not done yet. */
    private void read() throws IOException {
        byte[] all = new byte[Math.toIntExact(file.length())];
        file.readFully(all);
        String text = new String(all, StandardCharsets.UTF_8);
        String whole = text.substring(0, text.lastIndexOf('\n') + 1);
        for (String line : whole.lines().toList()) {
            Matcher matcher = LINE.matcher(line);
            if (!matcher.matches()) {
                throw new IOException("'" + line + "' is not a line of a journal");
            }
            var thing = new Thing(Thing.Kind.valueOf(matcher.group(2)), matcher.group(3), matcher.group(4));
            if (matcher.group(1).equals("+")) {
                made.add(thing);
            } else {
                made.remove(thing);
            }
        }
        file.setLength(whole.getBytes(StandardCharsets.UTF_8).length);
        file.seek(file.length());
    }

    /** The folder that it lies in; things in the making lie in it too. */
    public Path home() {
        return home;
    }

    /** A name for a thing that nothing else has, anywhere. */
    public synchronized String freshName() {
        return home.getFileName() + "." + UUID.randomUUID().toString().substring(0, 8);
    }

    /** Who is told of its steps. */
    public StepHook hook() {
        return hook;
    }

    /**
     * Writes a thing down. Call it before the thing is made.
     *
     * @throws IOException when it is not on the disk; the thing must not be made then
     */
    public synchronized void intend(Thing thing) throws IOException {
        hook.before("intend " + thing);
        write("+", thing);
        made.add(thing);
        hook.after("intend " + thing);
    }

    /** Strikes out a thing that has become what it was made for: nobody undoes it any more. */
    public synchronized void kept(Thing thing) throws IOException {
        hook.before("kept " + thing);
        write("-", thing);
        made.remove(thing);
        hook.after("kept " + thing);
    }

    /**
     * Undoes one thing, if it is still there.
     *
     * @return the errors met; none when it is gone
     */
    public synchronized List<String> undo(Thing thing) {
        // What reads files would stop at once in a thread that is interrupted, and what was made would stay.
        boolean interrupted = Thread.interrupted();
        try {
            if (!made.contains(thing)) {
                return List.of();
            }
            hook.before("undo " + thing);
            List<String> errors = new ArrayList<>(undo.undo(home, thing));
            if (errors.isEmpty()) {
                made.remove(thing);
                hook.before("undone " + thing);
                write("-", thing);
                hook.after("undone " + thing);
            }
            return errors;
        } catch (IOException | RuntimeException e) {
            return List.of("undoing the " + thing + ": " + e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Undoes everything that is still there, the last made first, and removes the journal when nothing is left. Doing so twice is
     * harmless.
     *
     * @return the errors met; none when nothing is left
     */
    public synchronized List<String> undoAll() {
        List<String> errors = new ArrayList<>();
        for (Thing thing : List.copyOf(made).reversed()) {
            errors.addAll(undo(thing));
        }
        if (made.isEmpty()) {
            try {
                Files.deleteIfExists(home.resolve(FILE));
                Files.deleteIfExists(home);
                // That an undoing could not be written down, on a full disk perhaps, is of no account any more.
                return List.of();
            } catch (IOException e) {
                errors.add("removing the journal " + home + ": " + e);
            }
        }
        return errors;
    }

    /** Gives up the lock. What was not undone is found by the next who takes over. */
    @Override
    public void close() throws IOException {
        file.close();
        lock.close();
        HELD.remove(home.getFileName().toString());
    }

    private void write(String sign, Thing thing) throws IOException {
        String line = sign + " " + thing.kind() + " " + thing.name() + " " + thing.about() + "\n";
        long end = file.length();
        try {
            file.write(line.getBytes(StandardCharsets.UTF_8));
            file.getFD().sync();
        } catch (IOException e) {
            // Half a line in the middle would make the rest unreadable.
            file.setLength(end);
            file.seek(end);
            throw e;
        }
    }

    private static void flush(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
