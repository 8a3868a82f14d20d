package dev.sallyport.controller.store.postgres;

import dev.sallyport.controller.store.postgres.EmbeddedPostgres.Settings;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;

/** Folders for tests with a real server: the programs in the default cache, the data in a folder of the test. */
public final class PostgresFolders {
    private PostgresFolders() {}

    /** Settings for data in {@code temporary}, which the server's user is let through. */
    public static Settings settings(Path temporary) throws IOException {
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwx--x--x"));
        return new Settings(
                Folders.ofThisProcess().cache(),
                temporary.resolve("data"),
                systemUser(),
                Duration.ofMinutes(2),
                Duration.ofSeconds(20));
    }

    /** The user that the launcher makes, or where it has not run, one that every system has. */
    static String systemUser() throws IOException {
        try {
            return Path.of("/")
                    .getFileSystem()
                    .getUserPrincipalLookupService()
                    .lookupPrincipalByName("sallyport")
                    .getName();
        } catch (UserPrincipalNotFoundException e) {
            return "nobody";
        }
    }

    static boolean isRoot() throws IOException {
        return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    }
}
