package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The database that Sallyport brings along, and an operator's own server. */
final class DatabaseChecksTest {
    private static final Path FOLDER = Path.of("/var/lib/sallyport/postgres");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "null",
            value = {
                "18.6.0 | null | | false | null | null | OK | No data yet",
                "18.6.0 | 18 | rwx------ | true | null | null | OK | no server runs",
                "18.6.0 | 18 | rwx------ | true | 40 | 30 | OK | process 40",
                "18.6.0 | 18 | rwx------ | true | 40 | null | WARNING | outlived",
                "18.6.0 | 18 | rwx------ | true | null | 30 | BROKEN | its server does not",
                "18.6.0 | 17 | rwx------ | true | null | null | BROKEN | of PostgreSQL 17",
                "18.6.0 | 1 | rwx------ | true | null | null | BROKEN | of PostgreSQL 1,",
                "18.6.0 | 18 | rwxr-xr-x | true | null | null | BROKEN | refuses to start",
                "18.6.0 | 18 | rwx------ | false | null | null | BROKEN | postgres-password",
            })
    void embedded(
            String program,
            @Nullable String version,
            @Nullable String mode,
            boolean password,
            @Nullable Long server,
            @Nullable Long holder,
            State state,
            String text) {
        Finding finding = DatabaseCheck.judge(new DatabaseCheck.Seen(
                List.of(program),
                FOLDER,
                version,
                "sallyport-db",
                mode == null ? "" : mode,
                password,
                Optional.ofNullable(server),
                Optional.ofNullable(holder).map(Holder::new)));
        assertThat(finding.state()).as(finding.text()).isEqualTo(state);
        assertThat(finding.text()).contains(text);
        assertThat(finding.remedy().isEmpty()).isEqualTo(state == State.OK);
    }

    @Test
    void whatIsThereIsReadFromTheFolders(@TempDir Path folder) throws Exception {
        var folders = new Folders(folder.resolve("cache"), folder.resolve("data"), folder);
        Path data = Files.createDirectories(folders.data().resolve("postgres"));
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
        Files.writeString(data.resolve("PG_VERSION"), "18\n");
        // A pid file that a killed server left, whose number is another process's by now.
        Files.writeString(
                data.resolve("postmaster.pid"), ProcessHandle.current().pid() + "\n" + data + "\n");
        Files.writeString(folders.data().resolve("postgres-password"), "x");
        Path program = folders.cache().resolve("postgres/18.6.0-0123/bin/postgres");
        Files.createDirectories(program.getParent());
        Files.writeString(program, "");
        assertThat(program.toFile().setExecutable(true)).isTrue();

        assertThat(new DatabaseCheck(folders).look()).singleElement().satisfies(finding -> {
            assertThat(finding.state()).isEqualTo(State.OK);
            assertThat(finding.text())
                    .startsWith("PostgreSQL 18, data in " + data)
                    .contains("no server runs");
        });
    }

    private static ServerCheck.Seen server(@Nullable String refusal, String version, long millis, boolean above) {
        return new ServerCheck.Seen("db.example/sallyport", "app", refusal, version, Duration.ofMillis(millis), above);
    }

    @Test
    void aServerThatAnswersSoonAndHoldsItsRows() {
        assertThat(ServerCheck.judge(server(null, "18.6 (Debian 18.6-1)", 1, false)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.state()).isEqualTo(State.OK));
    }

    @Test
    void oldFarAndAboveItsRows() {
        assertThat(ServerCheck.judge(server(null, "14.12", 1, false)))
                .extracting(Finding::state)
                .containsExactly(State.BROKEN);
        assertThat(ServerCheck.judge(server(null, "9.6.24", 1, true)))
                .extracting(Finding::state)
                .containsExactly(State.BROKEN, State.BROKEN);
        assertThat(ServerCheck.judge(server(null, "17.1", 21, false)))
                .extracting(Finding::state)
                .containsExactly(State.WARNING);
        assertThat(ServerCheck.judge(server(null, "18beta1", 2, true))
                        .getFirst()
                        .text())
                .contains("Row-level security does not hold for app");
    }

    @ParameterizedTest
    @CsvSource({"28P01, SALLYPORT_DATABASE_PASSWORD", "3D000, CREATE DATABASE", "08001, firewall"})
    void aRefusalHasItsRemedy(String sqlState, String remedy) {
        assertThat(ServerCheck.judge(server("SQLSTATE " + sqlState + ": no", "", 0, false)))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.state()).isEqualTo(State.BROKEN);
                    assertThat(finding.remedy()).contains(remedy);
                });
    }

    @Test
    void nobodyThereIsARefusalWithoutThePassword() {
        var check = new ServerCheck(
                "jdbc:postgresql://127.0.0.1:1/none", Optional.of("ada"), Optional.of(Secret.of("hush-hush")));
        assertThat(check.look()).singleElement().satisfies(finding -> {
            assertThat(finding.state()).isEqualTo(State.BROKEN);
            assertThat(finding.text()).contains("08001").doesNotContain("hush");
        });
    }
}
