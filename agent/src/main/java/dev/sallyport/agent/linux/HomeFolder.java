package dev.sallyport.agent.linux;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * A home whose files belong to a user whom the agent does not trust, though it may be root: every name on the way is opened
 * relative to the folder before it, and no symbolic link is ever followed (open(2), O_NOFOLLOW).
 */
public final class HomeFolder {
    private static final int O_DIRECTORY = 0x10000;
    private static final int O_NOFOLLOW = 0x20000;
    private static final int ENOENT = 2;
    private static final int EEXIST = 17;
    private static final int ENOTDIR = 20;
    private static final int ELOOP = 40;
    private static final int FOLDER_MODE = 0700;
    private static final int MODE_BITS = 07777;
    private static final int TYPE_BITS = 0170000;
    private static final int REGULAR = 0100000;

    private final Libc libc = new Libc();
    private final Path home;
    private final Optional<Account> owner;

    /**
     * A home.
     *
     * @param home its folder, which is there
     * @param owner whose files it holds; empty when the agent's own user's
     */
    public HomeFolder(Path home, Optional<Account> owner) {
        this.home = home;
        this.owner = owner;
    }

    /** Where it is. */
    public Path path() {
        return home;
    }

    /**
     * A file as it is.
     *
     * @param mode its permission bits
     * @param size bytes
     * @param content its bytes
     */
    @SuppressWarnings("ArrayRecordComponent") // Read once, never compared.
    public record Found(int mode, long size, byte[] content) {
        @Override
        public String toString() {
            return "Found[mode=" + Integer.toOctalString(mode) + ", size=" + size + ", content=***]";
        }
    }

    /**
     * Reads a file.
     *
     * @param limit most bytes
     * @return the file; empty when there is none
     * @throws IOException when it is not a plain file of the owner, is larger than {@code limit}, or cannot be read
     */
    public Optional<Found> read(HomePath path, int limit) throws IOException {
        int folder = open(path, false);
        if (folder < 0) {
            return Optional.empty();
        }
        try (Arena arena = Arena.ofConfined()) {
            // O_NONBLOCK: opening a FIFO must not wait for its writer.
            CLibrary.Result opened = CLibrary.call(
                    "openat",
                    folder,
                    arena.allocateFrom(path.name()).address(),
                    Libc.O_RDONLY | O_NOFOLLOW | Libc.O_NONBLOCK | Libc.O_CLOEXEC);
            if (opened.status() < 0) {
                if (opened.errno() == ENOENT) {
                    return Optional.empty();
                }
                throw refusal(path, opened.errno());
            }
            try {
                return Optional.of(readOpened(path, opened.status(), limit));
            } finally {
                libc.close(opened.status());
            }
        } finally {
            libc.close(folder);
        }
    }

    private Found readOpened(HomePath path, int descriptor, int limit) throws IOException {
        Map<String, Object> attributes =
                Files.readAttributes(Path.of("/proc/self/fd/" + descriptor), "unix:mode,size,uid");
        int mode = number(attributes, "mode");
        if ((mode & TYPE_BITS) != REGULAR) {
            throw new IOException(path.text() + " is not a plain file");
        }
        if (owner.isPresent() && number(attributes, "uid") != owner.get().uid()) {
            throw new IOException(path.text() + " is not " + owner.get().name() + "'s");
        }
        byte[] buffer = new byte[8192];
        var content = new java.io.ByteArrayOutputStream();
        for (int length = libc.read(descriptor, buffer); length >= 0; length = libc.read(descriptor, buffer)) {
            content.write(buffer, 0, length);
            if (content.size() > limit) {
                throw new IOException(path.text() + " is larger than " + limit + " bytes");
            }
        }
        return new Found(mode & MODE_BITS, content.size(), content.toByteArray());
    }

    private static int number(Map<String, Object> attributes, String name) throws IOException {
        if (attributes.get(name) instanceof Integer number) {
            return number;
        }
        throw new IOException("files have no " + name + " here");
    }

    /** Whether there is anything of that name, be it a link that leads nowhere. */
    public boolean exists(HomePath path) throws IOException {
        int folder = open(path, false);
        if (folder < 0) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            CLibrary.Result result = CLibrary.call(
                    "faccessat", folder, arena.allocateFrom(path.name()).address(), 0, 0x100);
            return result.status() == 0;
        } finally {
            libc.close(folder);
        }
    }

    /**
     * Writes a file whole or not at all: to a new file beside it, which is flushed to the disk and then takes its name.
     *
     * @param mode its permission bits
     * @throws IOException when it cannot be written, or a folder on its way is a symbolic link
     */
    public void write(HomePath path, byte[] content, int mode) throws IOException {
        int folder = open(path, true);
        try (Arena arena = Arena.ofConfined()) {
            long temporary =
                    arena.allocateFrom(".sallyport-" + KernelRandom.uuid()).address();
            int file = CLibrary.need(
                    "openat",
                    folder,
                    temporary,
                    Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | O_NOFOLLOW | Libc.O_CLOEXEC,
                    0600);
            try {
                try {
                    libc.write(file, content);
                    own(file);
                    CLibrary.need("fchmod", file, mode & MODE_BITS);
                    CLibrary.need("fsync", file);
                } finally {
                    libc.close(file);
                }
                CLibrary.need(
                        "renameat",
                        folder,
                        temporary,
                        folder,
                        arena.allocateFrom(path.name()).address());
            } catch (IOException e) {
                CLibrary.call("unlinkat", folder, temporary, 0);
                throw new IOException(path.text() + " cannot be written: " + e.getMessage(), e);
            }
            CLibrary.need("fsync", folder);
        } finally {
            libc.close(folder);
        }
    }

    private void own(int descriptor) throws IOException {
        if (owner.isPresent()) {
            CLibrary.need("fchown", descriptor, owner.get().uid(), owner.get().gid());
        }
    }

    /** The descriptor of the folder that holds the file; -1 when there is none and none is to be made. */
    private int open(HomePath path, boolean making) throws IOException {
        int flags = Libc.O_RDONLY | O_DIRECTORY | O_NOFOLLOW | Libc.O_CLOEXEC;
        int folder = libc.open(home.toString(), flags, 0);
        for (String name : path.folders()) {
            int inner;
            try (Arena arena = Arena.ofConfined()) {
                long text = arena.allocateFrom(name).address();
                CLibrary.Result opened = CLibrary.call("openat", folder, text, flags);
                if (opened.status() < 0 && opened.errno() == ENOENT && making) {
                    opened = make(folder, text, flags);
                }
                inner = opened.status();
                if (inner < 0 && opened.errno() != ENOENT) {
                    throw refusal(path, opened.errno());
                }
            } finally {
                libc.close(folder);
            }
            if (inner < 0) {
                return -1;
            }
            folder = inner;
        }
        return folder;
    }

    private CLibrary.Result make(int folder, long name, int flags) throws IOException {
        CLibrary.Result made = CLibrary.call("mkdirat", folder, name, FOLDER_MODE);
        CLibrary.Result opened = CLibrary.call("openat", folder, name, flags);
        if (made.status() == 0 && opened.status() >= 0) {
            own(opened.status());
        } else if (made.status() != 0 && made.errno() != EEXIST) {
            throw CLibrary.error("mkdirat", made.errno());
        }
        return opened;
    }

    private IOException refusal(HomePath path, int errno) {
        return Arrays.asList(ELOOP, ENOTDIR).contains(errno)
                ? new IOException(path.text() + " leads over a symbolic link or something that is no folder")
                : CLibrary.error(path.text(), errno);
    }
}
