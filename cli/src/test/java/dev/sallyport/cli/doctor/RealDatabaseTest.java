package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.controller.store.postgres.EmbeddedPostgres;
import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is seen of a database that runs: by its folders, and over its port. */
@Timeout(180)
final class RealDatabaseTest {
    @TempDir
    Path folder;

    @Test
    void aRunningDatabase() throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        var folders = new Folders(Folders.ofThisProcess().cache(), folder.resolve("data"), folder);
        var settings = new EmbeddedPostgres.Settings(
                folders.cache(), folders.data(), systemUser(), Duration.ofMinutes(2), Duration.ofSeconds(20));
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(settings)) {
            DatabaseAccess access = postgres.access();
            assertThat(ask(
                            access,
                            access.application().user(),
                            access.application().password()))
                    .singleElement()
                    .satisfies(finding -> {
                        assertThat(finding.state()).as(finding.text()).isEqualTo(State.OK);
                        assertThat(finding.text()).startsWith("PostgreSQL 1").contains("row-level security holds");
                    });
            assertThat(ask(access, access.owner().user(), access.owner().password()))
                    .extracting(Finding::state)
                    .contains(State.BROKEN);
            assertThat(ask(access, access.owner().user(), Secret.of("wrong")))
                    .singleElement()
                    .satisfies(finding -> assertThat(finding.remedy()).contains("SALLYPORT_DATABASE_PASSWORD"));

            assertThat(new DatabaseCheck(folders).look()).singleElement().satisfies(finding -> {
                assertThat(finding.state()).as(finding.text()).isEqualTo(State.OK);
                assertThat(finding.text())
                        .contains(
                                "controller (process " + ProcessHandle.current().pid() + ")")
                        .contains("its server, process " + postgres.pid());
            });
        }
        assertThat(new DatabaseCheck(folders).look())
                .singleElement()
                .satisfies(finding -> assertThat(finding.text()).contains("no server runs"));
    }

    private static List<Finding> ask(DatabaseAccess access, String user, Secret password) {
        return new ServerCheck(access.url(), Optional.of(user), Optional.of(password)).look();
    }

    /** The user that the launcher makes, or where it has not run, one that every system has. */
    private static String systemUser() throws IOException {
        try {
            return Path.of("/")
                    .getFileSystem()
                    .getUserPrincipalLookupService()
                    .lookupPrincipalByName("sallyport-db")
                    .getName();
        } catch (UserPrincipalNotFoundException e) {
            return "nobody";
        }
    }
}
