package dev.sallyport.image;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * A folder inside the store for what is being made. Its owner holds a lock on the file beside it for as long as it lives; a folder
 * whose lock is free was left by a process that is dead, and is swept with whatever that process had started.
 */
public final class Workspace implements AutoCloseable {
    /**
     * The environment variable that every process started for a build carries, with the workspace's name: so that what a killed
     * builder left running is found.
     */
    public static final String MARKER = "SALLYPORT_WORKSPACE";

    /** Tells the workspaces of this process, whose locks must not be tried, from those of others. */
    private static final String THIS_PROCESS = UUID.randomUUID().toString();

    private static final String LOCK = ".lock";

    private final Path folder;
    private final Path lockFile;
    private final FileChannel channel;

    private Workspace(Path folder, Path lockFile, FileChannel channel) {
        this.folder = folder;
        this.lockFile = lockFile;
        this.channel = channel;
    }

    /** Makes one below {@code parent}. The caller keeps sweepers away meanwhile. */
    static Workspace create(Path parent) throws IOException {
        String name = THIS_PROCESS + "_" + UUID.randomUUID();
        Path lockFile = parent.resolve(name + LOCK);
        FileChannel channel = FileChannel.open(
                lockFile, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            channel.lock();
            Path folder = parent.resolve(name);
            Files.createDirectory(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            return new Workspace(folder, lockFile, channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Where to make things. */
    public Path folder() {
        return folder;
    }

    /** Its name, the value of {@link #MARKER}. */
    public String name() {
        return folder.getFileName().toString();
    }

    /** Deletes it with all that is in it. */
    @Override
    public void close() {
        try {
            remove(folder);
            Files.deleteIfExists(lockFile);
            channel.close();
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "a temporary folder could not be removed", e);
        }
    }

    /**
     * Removes what dead owners left below {@code parent}. The caller keeps those away who would create one meanwhile.
     *
     * @return how many were removed
     */
    static int sweep(Path parent) throws IOException {
        List<Path> locks = new ArrayList<>();
        List<Path> folders = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(parent)) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (name.startsWith(THIS_PROCESS)) {
                    continue;
                }
                (name.endsWith(LOCK) ? locks : folders).add(entry);
            }
        }
        int swept = 0;
        for (Path lock : locks) {
            String name = lock.getFileName().toString();
            Path folder = parent.resolve(name.substring(0, name.length() - LOCK.length()));
            try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    FileLock free = channel.tryLock()) {
                if (free == null) {
                    folders.remove(folder);
                    continue;
                }
                endProcesses(folder.getFileName().toString());
                remove(folder);
                Files.deleteIfExists(lock);
                folders.remove(folder);
                swept++;
            }
        }
        for (Path folder : folders) {
            remove(folder);
            swept++;
        }
        return swept;
    }

    /** Kills what carries the marker of a dead builder, with everything in the same sessions. */
    private static void endProcesses(String name) {
        byte[] marker = (MARKER + "=" + name).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid() && carries(process.pid(), marker))
                .forEach(ProcessHandle::destroyForcibly);
    }

    private static boolean carries(long pid, byte[] marker) {
        try {
            byte[] environment = Files.readAllBytes(Path.of("/proc", Long.toString(pid), "environ"));
            String text = new String(environment, java.nio.charset.StandardCharsets.ISO_8859_1);
            return text.contains(new String(marker, java.nio.charset.StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            // Gone meanwhile, or of another user, who is not the one that built here.
            return false;
        }
    }

    /** Deletes a tree without following links. */
    static void remove(Path tree) throws IOException {
        try {
            Trees.delete(tree);
        } catch (NoSuchFileException e) {
            // Somebody in it was still at work when its listing was read; what he left goes now.
            Trees.delete(tree);
        } catch (java.nio.file.AccessDeniedException e) {
            removeAsNamespaceRoot(tree, e);
        }
    }

    /** Without root, parts of a tree belong to this user's subordinate ids: only inside a user namespace can they be deleted. */
    private static void removeAsNamespaceRoot(Path tree, IOException denied) throws IOException {
        Process process = new ProcessBuilder("mmdebstrap", "--unshare-helper", "rm", "-rf", "--", tree.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (!process.waitFor(2, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw denied;
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw denied;
        }
        Trees.delete(tree);
    }

    /** The failure of a workspace that cannot be made. */
    static FailureException notMade(IOException e) {
        return Failures.of(CauseCode.IMAGE_BUILD_FAILED, "a temporary folder could not be made", e);
    }
}
