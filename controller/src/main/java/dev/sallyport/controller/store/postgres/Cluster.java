package dev.sallyport.controller.store.postgres;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import dev.sallyport.vault.SecretFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The folder that holds the data ({@code postgres} in the data folder), made once by initdb; beside it the folder of the server's
 * Unix socket and the file with the owner's password.
 */
final class Cluster {
    /** The role that owns everything. */
    static final String OWNER = "sallyport_owner";

    private static final Set<PosixFilePermission> PRIVATE_FOLDER = PosixFilePermissions.fromString("rwx------");
    private static final FileAttribute<?> PRIVATE_FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    /** The longest path of a Unix socket is 107 bytes (unix(7)); the socket's own name takes 16 of them. */
    private static final int LONGEST_SOCKET_FOLDER = 90;

    private final Path data;
    private final RunAs runAs;

    Cluster(Path data, RunAs runAs) {
        this.data = data;
        this.runAs = runAs;
    }

    Path folder() {
        return data.resolve("postgres");
    }

    /** Makes the data folder, and lets the server's user through it to its own folder. */
    static void prepare(Path data, RunAs runAs) throws IOException {
        Files.createDirectories(
                data,
                PosixFilePermissions.asFileAttribute(
                        runAs.stepsDown() ? PosixFilePermissions.fromString("rwx--x--x") : PRIVATE_FOLDER));
        Set<PosixFilePermission> permissions = EnumSet.copyOf(Files.getPosixFilePermissions(data));
        if (runAs.stepsDown() && permissions.add(PosixFilePermission.OTHERS_EXECUTE)) {
            Files.setPosixFilePermissions(data, permissions);
        }
    }

    /** The owner's password, which lies in a file that only this process's user may read. */
    Secret password() {
        Path file = data.resolve("postgres-password");
        if (Files.isDirectory(folder()) && !Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            throw FailureException.of(
                    CauseCode.DATABASE_FAILED,
                    "The database's folder " + folder() + " is there, but the file with its password, " + file
                            + ", is gone. Restore it.");
        }
        return SecretFile.readOrCreate(file, () -> Secret.random(32));
    }

    /** The folder of the Unix socket; empty, for none, when the path would be too long for one. */
    String socketFolder() throws IOException {
        Path folder = data.resolve("postgres-run").toAbsolutePath();
        if (folder.toString().length() > LONGEST_SOCKET_FOLDER
                || folder.toString().contains(",")) {
            return "";
        }
        ownFolder(folder);
        return folder.toString();
    }

    /**
     * Makes the data when there are none. They appear under their name when they are complete and on the disk; what an initdb
     * that was killed has left is removed.
     *
     * @return true when they were made now
     */
    boolean initialise(Binaries binaries, ServerLog log, Secret password, Deadline deadline)
            throws IOException, InterruptedException {
        Path partial = data.resolve("postgres.partial");
        Path passwordFile = data.resolve(".postgres-initdb");
        Binaries.delete(partial);
        Files.deleteIfExists(passwordFile);
        if (Files.isDirectory(folder())) {
            return false;
        }
        ownFolder(partial);
        long mark = log.mark();
        try {
            Files.createFile(passwordFile, PRIVATE_FILE);
            runAs.own(passwordFile);
            Files.writeString(passwordFile, password.reveal() + "\n", StandardOpenOption.WRITE);
            Process initdb = runAs.command(List.of(
                            binaries.program("initdb").toString(),
                            "--pgdata=" + partial.toAbsolutePath(),
                            "--username=" + OWNER,
                            "--pwfile=" + passwordFile.toAbsolutePath(),
                            "--auth=scram-sha-256",
                            "--encoding=UTF8",
                            // Sorts by code point whatever the system's C library is: an index outlives its upgrades.
                            "--locale-provider=builtin",
                            "--builtin-locale=C.UTF-8",
                            "--locale=C",
                            "--data-checksums",
                            // Segments of 4 MiB instead of 16: a small database stays small.
                            "--wal-segsize=4",
                            "--no-instructions"))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.file().toFile()))
                    .start();
            initdb.getOutputStream().close();
            try {
                if (!initdb.waitFor(deadline.left().toMillis(), TimeUnit.MILLISECONDS)) {
                    throw Failures.of("initdb did not end in time.", log.linesSince(mark, 20));
                }
            } finally {
                initdb.destroyForcibly();
            }
            if (initdb.exitValue() != 0) {
                throw Failures.of(
                        "initdb could not make " + folder() + ": it ended with " + initdb.exitValue() + ".",
                        log.linesSince(mark, 20));
            }
        } finally {
            Files.deleteIfExists(passwordFile);
        }
        Files.move(partial, folder(), StandardCopyOption.ATOMIC_MOVE);
        Binaries.force(data);
        return true;
    }

    private void ownFolder(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE_FOLDER));
        }
        runAs.own(folder);
    }
}
