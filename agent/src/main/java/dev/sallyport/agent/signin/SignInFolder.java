package dev.sallyport.agent.signin;

import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.HomeFolder;
import dev.sallyport.agent.linux.Processes;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A sign-in's folder: the fresh home, and the stand-ins for a browser beside it. */
final class SignInFolder {
    private final Path path;
    private final Optional<Account> account;
    private final Processes processes;
    private final HomeFolder home;

    SignInFolder(Path path, Optional<Account> account, Processes processes) {
        this.path = path;
        this.account = account;
        this.processes = processes;
        home = new HomeFolder(path.resolve("home"), account);
    }

    /** Where it is. */
    Path path() {
        return path;
    }

    /** The home in it. */
    HomeFolder home() {
        return home;
    }

    boolean isThere() {
        return Files.isDirectory(home.path());
    }

    /** Makes it; what is there from another time is removed. */
    void make() throws IOException {
        remove();
        Files.createDirectories(path.getParent(), mode("rwxr-xr-x"));
        Files.createDirectory(path, mode("rwxr-xr-x"));
        Files.createDirectory(home.path(), mode("rwx------"));
        if (account.isPresent()) {
            processes.give(home.path(), account.get());
        }
    }

    private static FileAttribute<Set<PosixFilePermission>> mode(String permissions) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions));
    }

    /** Removes it with all in it; links are removed, not followed. Nothing may run in it any more. */
    void remove() throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        Files.walkFileTree(path, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.delete(folder);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
