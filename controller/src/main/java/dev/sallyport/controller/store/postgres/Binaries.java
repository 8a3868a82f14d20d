package dev.sallyport.controller.store.postgres;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

/** PostgreSQL's programs, unpacked once from the class path into the cache folder. */
final class Binaries {
    private static final String ARCHIVE = "postgres-linux-x86_64.txz";
    private static final Pattern VERSION = Pattern.compile("-([0-9]+(?:\\.[0-9]+)+)\\.jar!");
    private static final Set<PosixFilePermission> FOLDER = PosixFilePermissions.fromString("rwxr-xr-x");

    private final Path folder;

    private Binaries(Path folder) {
        this.folder = folder;
    }

    Path program(String name) {
        return folder.resolve("bin").resolve(name);
    }

    /**
     * The programs, unpacked now when they are not there. Any number of processes may do so at once: each unpacks for itself, and
     * the first rename wins.
     */
    static Binaries in(Path cache) throws IOException {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        URL archive = Binaries.class.getClassLoader().getResource(ARCHIVE);
        if (!system.equals("Linux amd64") || archive == null) {
            throw FailureException.of(
                    CauseCode.DATABASE_FAILED,
                    "There is no PostgreSQL for this system (" + system + ") on the class path: give the URL of one.");
        }
        Path versions = cache.toAbsolutePath().resolve("postgres");
        Path folder = versions.resolve(name(archive));
        if (!Files.isDirectory(folder)) {
            createFolders(versions);
            removeLeftovers(versions, folder);
            Path partial = Files.createTempDirectory(versions, partialPrefix(folder));
            try {
                try (InputStream bytes = archive.openStream()) {
                    unpack(bytes, partial);
                }
                Files.setPosixFilePermissions(partial, FOLDER);
                sync(partial);
                Files.move(partial, folder, StandardCopyOption.ATOMIC_MOVE);
                force(versions);
            } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
                // Another process was first, and what it has put there is complete.
                delete(partial);
            } catch (IOException | RuntimeException e) {
                try {
                    delete(partial);
                } catch (IOException second) {
                    e.addSuppressed(second);
                }
                throw e;
            }
        }
        return new Binaries(folder);
    }

    /** The version for people, and what identifies the content: the archive's CRC-32 and size, which its jar knows without reading it. */
    private static String name(URL archive) throws IOException {
        URLConnection connection = archive.openConnection();
        Matcher version = VERSION.matcher(archive.toString());
        String prefix = version.find() ? version.group(1) : "unnamed";
        if (connection instanceof JarURLConnection jar) {
            return prefix + "-" + Long.toHexString(jar.getJarEntry().getCrc()) + "-"
                    + Long.toHexString(jar.getJarEntry().getSize());
        }
        return prefix + "-" + Long.toHexString(connection.getLastModified()) + "-"
                + Long.toHexString(connection.getContentLengthLong());
    }

    private static String partialPrefix(Path folder) {
        return "." + folder.getFileName() + ".partial-"
                + ProcessHandle.current().pid() + "-";
    }

    /** What a process that is no longer there began to unpack. */
    private static void removeLeftovers(Path versions, Path folder) throws IOException {
        Pattern partial = Pattern.compile(Pattern.quote("." + folder.getFileName() + ".partial-") + "([0-9]+)-.*");
        List<Path> siblings;
        try (Stream<Path> all = Files.list(versions)) {
            siblings = all.toList();
        }
        for (Path sibling : siblings) {
            Matcher matcher = partial.matcher(sibling.getFileName().toString());
            if (matcher.matches()
                    && ProcessHandle.of(Long.parseLong(matcher.group(1))).isEmpty()) {
                delete(sibling);
            }
        }
    }

    private static void unpack(InputStream bytes, Path into) throws IOException {
        try (var tar = new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(bytes, 1 << 16)))) {
            TarArchiveEntry entry;
            while ((entry = tar.getNextEntry()) != null) {
                Path target = inside(into, entry.getName());
                // Libraries to link against and their descriptions are of no use to a server.
                if (entry.getName().endsWith(".a") || entry.getName().contains("/pkgconfig")) {
                    continue;
                }
                createFolders(entry.isDirectory() ? target : target.getParent());
                if (entry.isSymbolicLink()) {
                    inside(
                            into,
                            into.relativize(target.resolveSibling(entry.getLinkName()))
                                    .toString());
                    Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
                } else if (entry.isLink()) {
                    Files.createLink(target, inside(into, entry.getLinkName()));
                } else if (entry.isFile()) {
                    Files.copy(tar, target);
                    Files.setPosixFilePermissions(target, permissions(entry.getMode()));
                }
            }
        }
    }

    private static Path inside(Path folder, String name) throws IOException {
        Path path = folder.resolve(name).normalize();
        if (!path.startsWith(folder)) {
            throw new IOException("the archive holds a path outside of it");
        }
        return path;
    }

    /** Readable by all, whatever the umask is: the server may run as another user. */
    private static Set<PosixFilePermission> permissions(int mode) {
        Set<PosixFilePermission> permissions = EnumSet.copyOf(PosixFilePermissions.fromString("rw-r--r--"));
        if ((mode & 0100) != 0) {
            permissions.addAll(PosixFilePermissions.fromString("--x--x--x"));
        }
        return permissions;
    }

    private static void createFolders(@Nullable Path folder) throws IOException {
        if (folder != null && !Files.isDirectory(folder)) {
            createFolders(folder.getParent());
            try {
                Files.createDirectory(folder);
                Files.setPosixFilePermissions(folder, FOLDER);
            } catch (FileAlreadyExistsException e) {
                if (!Files.isDirectory(folder)) {
                    throw e;
                }
            }
        }
    }

    /** Brings all files to the disk at once: a rename that survives a loss of power must not outlive what it names. */
    private static void sync(Path folder) throws IOException {
        Process sync = new ProcessBuilder("sync", "--file-system", folder.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(sync.getInputStream().readNBytes(1000), StandardCharsets.UTF_8);
        try {
            if (sync.waitFor() != 0) {
                throw new IOException("sync(1) failed: " + output);
            }
        } catch (InterruptedException e) {
            sync.destroy();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while PostgreSQL's programs were unpacked");
        }
    }

    static void force(Path folder) throws IOException {
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.deleteIfExists(path);
        }
    }
}
