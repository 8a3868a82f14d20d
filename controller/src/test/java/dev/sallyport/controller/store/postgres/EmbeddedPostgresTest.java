package dev.sallyport.controller.store.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.postgres.EmbeddedPostgres.Settings;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import dev.sallyport.vault.Vault;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.io.IOUtils;
import org.apache.commons.lang3.ArrayUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.LoggerFactory;
import org.tukaani.xz.XZInputStream;

class EmbeddedPostgresTest {
    @TempDir
    Path temporary;

    @Test
    void startsOnceStartsAgainAndEnds() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        long pid;
        try (var server = EmbeddedPostgres.start(settings)) {
            assertThat(server.started().firstStart()).isTrue();
            assertThat(server.started().replacedOld()).isFalse();
            pid = server.started().pid();
            try (Connection connection =
                    connect(server.access().url(), server.access().owner())) {
                assertThat(show(connection, "fsync")).isEqualTo("on");
                assertThat(show(connection, "synchronous_commit")).isEqualTo("on");
                assertThat(show(connection, "full_page_writes")).isEqualTo("on");
                assertThat(show(connection, "data_checksums")).isEqualTo("on");
                assertThat(show(connection, "server_encoding")).isEqualTo("UTF8");
                assertThat(show(connection, "password_encryption")).isEqualTo("scram-sha-256");
                assertThat(show(connection, "listen_addresses")).isEqualTo("127.0.0.1");
                connection.createStatement().execute("CREATE TABLE kept (word text)");
                connection.createStatement().execute("INSERT INTO kept VALUES ('still here')");
            }
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(settings.data().resolve("postgres"))))
                    .isEqualTo("rwx------");
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(settings.data().resolve("postgres-password"))))
                    .isEqualTo("rw-------");
            assertThat(Files.readString(Path.of("/proc", Long.toString(pid), "environ")))
                    .as("nothing of the controller's environment")
                    .doesNotContain("HOME=", "SALLYPORT");
            System.out.println("first start: " + server.started());
        }
        assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
        try (var server = EmbeddedPostgres.start(settings);
                Connection connection =
                        connect(server.access().url(), server.access().owner())) {
            assertThat(server.started().firstStart()).isFalse();
            assertThat(server.started().replacedOld()).isFalse();
            try (var rows = connection.createStatement().executeQuery("SELECT word FROM kept")) {
                assertThat(rows.next()).isTrue();
                assertThat(rows.getString(1)).isEqualTo("still here");
            }
            System.out.println("second start: " + server.started());
        }
        assertThat(Files.readAllLines(settings.data().resolve("logs/postgres.log")))
                .last()
                .asString()
                .as("a fast shutdown is a clean one")
                .contains("database system is shut down");
    }

    @Test
    void trustsNobodyWithoutThePassword() throws Exception {
        try (var server = EmbeddedPostgres.start(PostgresFolders.settings(temporary))) {
            DatabaseAccess access = server.access();
            for (String user :
                    List.of(access.owner().user(), access.application().user())) {
                assertThatThrownBy(() -> connect(access.url(), new DatabaseAccess.Login(user, Secret.of("guessed")))
                                .close())
                        .isInstanceOfSatisfying(
                                SQLException.class,
                                e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
                assertThatThrownBy(() -> DriverManager.getConnection(access.url() + "?user=" + user)
                                .close())
                        .isInstanceOf(SQLException.class);
            }
            assertThat(Files.readAllLines(temporary.resolve("data/postgres/pg_hba.conf")).stream()
                            .filter(line -> !line.isBlank() && !line.startsWith("#")))
                    .isNotEmpty()
                    .allMatch(line -> line.endsWith(" scram-sha-256"));
        }
    }

    @Test
    void refusesASecondControllerInThisProcess() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        try (var server = EmbeddedPostgres.start(settings)) {
            for (int attempt = 0; attempt < 2; attempt++) {
                FailureException refused =
                        catchThrowableOfType(FailureException.class, () -> EmbeddedPostgres.start(settings));
                assertThat(refused.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
                assertThat(refused.reason().detail())
                        .contains("in use by")
                        .contains(Long.toString(ProcessHandle.current().pid()));
            }
            // The attempts have not dropped the lock: another process is refused too.
            try (var other = Controller.start(settings, Optional.empty())) {
                assertThat(other.allOutput()).contains("DATABASE_FAILED", "in use by process");
            }
            assertThat(ProcessHandle.of(server.started().pid())).isPresent();
        }
    }

    @Test
    void refusesASecondControllerNamingTheFirst() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        try (var first = Controller.start(settings, Optional.empty())) {
            first.awaitServer();
            assertThatThrownBy(() -> EmbeddedPostgres.start(settings))
                    .isInstanceOfSatisfying(FailureException.class, refused -> {
                        assertThat(refused.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
                        assertThat(refused.reason().detail()).contains("in use by process " + first.pid());
                    });
        }
    }

    @Test
    void endsTheServerThatAKilledControllerLeft() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        long left;
        try (var first = Controller.start(settings, Optional.empty())) {
            left = first.awaitServer();
            first.kill();
        }
        assertThat(ProcessHandle.of(left).filter(ProcessHandle::isAlive))
                .as("the server outlives its controller")
                .isPresent();
        try (var server = EmbeddedPostgres.start(settings)) {
            assertThat(server.started().replacedOld()).isTrue();
            assertThat(server.started().firstStart()).isFalse();
            assertThat(ProcessHandle.of(left).filter(ProcessHandle::isAlive)).isEmpty();
            connect(server.access().url(), server.access().owner()).close();
        }
        assertThat(Files.readAllLines(settings.data().resolve("logs/postgres.log")))
                .as("it was ended cleanly, so that nothing had to be recovered")
                .noneMatch(line -> line.contains("not properly shut down"));
    }

    @Test
    void leavesAProcessAloneThatHasTheOldServersNumber() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        EmbeddedPostgres.start(settings).close();
        Process innocent = new ProcessBuilder("sleep", "600").start();
        try {
            Path folder = settings.data().resolve("postgres").toAbsolutePath();
            Files.writeString(
                    PidFile.in(folder), innocent.pid() + "\n" + folder + "\n1\n5432\n\n127.0.0.1\n 1 1\nready   \n");
            try (var server = EmbeddedPostgres.start(settings)) {
                assertThat(server.started().replacedOld()).isFalse();
                assertThat(innocent.isAlive()).isTrue();
            }
        } finally {
            innocent.destroyForcibly().waitFor();
        }
    }

    @Test
    void bringsAKilledServerBackWithAllThatWasCommitted() throws Exception {
        try (var server = EmbeddedPostgres.start(PostgresFolders.settings(temporary));
                var database = Database.open(server.access(), InstantSource.system())) {
            try (Connection connection =
                    connect(server.access().url(), server.access().owner())) {
                connection.createStatement().execute("CREATE TABLE counted (n bigint)");
                connection.createStatement().execute("GRANT ALL ON counted TO sallyport_app");
            }
            long committed = 0;
            for (int round = 1; round <= 2; round++) {
                long killed = server.pid();
                for (int i = 0; i < 50; i++) {
                    long n = committed + 1;
                    database.useTransaction(Scope.all(), handle -> handle.execute("INSERT INTO counted VALUES (?)", n));
                    committed = n;
                }
                assertThat(ProcessHandle.of(killed).orElseThrow().destroyForcibly())
                        .isTrue();
                awaitAnother(server, killed);
                assertThat(countWhenBack(database)).isEqualTo(committed);
                assertThat(server.failure()).isEmpty();
            }
        }
    }

    /** Until the supervisor has seen the end; it tells nobody, so that it is asked. The killed server's processes may answer until then. */
    private static void awaitAnother(EmbeddedPostgres server, long killed) throws InterruptedException {
        Deadline deadline = Deadline.in(Duration.ofSeconds(60));
        while (server.pid() == killed && !deadline.isOver()) {
            Thread.sleep(10);
        }
        assertThat(server.pid()).isNotEqualTo(killed);
    }

    /** There is no event to wait for: the pool tells of a new server by connecting to it. */
    private static long countWhenBack(Database database) {
        Deadline deadline = Deadline.in(Duration.ofSeconds(60));
        while (true) {
            try {
                return database.inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery("SELECT count(*) FROM counted")
                                .mapTo(Long.class)
                                .one());
            } catch (FailureException e) {
                assertThat(e.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
                if (deadline.isOver()) {
                    throw e;
                }
            }
        }
    }

    @Test
    void namesABrokenDataFolderWithTheServersOwnWords() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        EmbeddedPostgres.start(settings).close();
        Files.delete(settings.data().resolve("postgres/global/pg_control"));
        FailureException broken = catchThrowableOfType(FailureException.class, () -> EmbeddedPostgres.start(settings));
        assertThat(broken.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
        assertThat(broken.reason().evidence()).anyMatch(line -> line.contains("pg_control"));
        // The lock was given back: the same answer again, not "in use".
        assertThatThrownBy(() -> EmbeddedPostgres.start(settings)).hasMessageContaining("when it was started on");
    }

    @Test
    void namesAMissingPassword() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        EmbeddedPostgres.start(settings).close();
        Files.delete(settings.data().resolve("postgres-password"));
        assertThatThrownBy(() -> EmbeddedPostgres.start(settings))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("postgres-password, is gone");
        assertThat(settings.data().resolve("postgres-password")).doesNotExist();
    }

    @Test
    void namesAFullDisk() throws Exception {
        assumeTrue(PostgresFolders.isRoot(), "skipped: a small file system can only be mounted by root");
        Settings settings = PostgresFolders.settings(temporary);
        Path small = Files.createDirectory(temporary.resolve("data"));
        int mounted = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=12m,mode=0711", "tmpfs", small.toString())
                .inheritIO()
                .start()
                .waitFor();
        assumeTrue(mounted == 0, "skipped: this system allows no mounts");
        try {
            FailureException full =
                    catchThrowableOfType(FailureException.class, () -> EmbeddedPostgres.start(settings));
            assertThat(full.reason().code()).isEqualTo(CauseCode.DISK_FULL);
            assertThat(full.reason().evidence()).anyMatch(line -> line.contains("No space left on device"));
        } finally {
            assertThat(new ProcessBuilder("umount", small.toString())
                            .inheritIO()
                            .start()
                            .waitFor())
                    .isZero();
        }
    }

    @Test
    void namesAMissingSystemUser() throws Exception {
        assumeTrue(PostgresFolders.isRoot(), "skipped: only root's server runs as a system user");
        Settings base = PostgresFolders.settings(temporary);
        var settings =
                new Settings(base.cache(), base.data(), "no-such-user", base.startDeadline(), base.stopDeadline());
        assertThatThrownBy(() -> EmbeddedPostgres.start(settings))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("There is no system user 'no-such-user'");
    }

    @Test
    void namesAFolderThatTheServersUserCannotReach() throws Exception {
        assumeTrue(PostgresFolders.isRoot(), "skipped: only root's server runs as a system user");
        Settings settings = PostgresFolders.settings(temporary);
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwx------"));
        assertThatThrownBy(() -> EmbeddedPostgres.start(settings))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("cannot reach " + settings.data());
    }

    @Test
    void removesWhatAKilledFirstStartLeft() throws Exception {
        Settings settings = PostgresFolders.settings(temporary);
        Path partial = Files.createDirectories(settings.data().resolve("postgres.partial/base"));
        Files.writeString(partial.resolve("half"), "half of it");
        Files.writeString(settings.data().resolve(".postgres-initdb"), "a password");
        try (var server = EmbeddedPostgres.start(settings)) {
            assertThat(server.started().firstStart()).isTrue();
            assertThat(settings.data().resolve("postgres.partial")).doesNotExist();
            assertThat(settings.data().resolve(".postgres-initdb")).doesNotExist();
        }
    }

    @Test
    void unpacksIntoAnEmptyCache() throws Exception {
        Settings base = PostgresFolders.settings(temporary);
        Path cache = temporary.resolve("cache");
        var settings = new Settings(cache, base.data(), base.systemUser(), base.startDeadline(), base.stopDeadline());
        try (var server = EmbeddedPostgres.start(settings)) {
            System.out.println("start from nothing: " + server.started());
            try (var versions = Files.list(cache.resolve("postgres"))) {
                assertThat(versions).singleElement().asString().contains("/18.");
            }
        }
    }

    @Test
    void runsAsAnOrdinaryUser() throws Exception {
        assumeTrue(PostgresFolders.isRoot(), "skipped: the other tests run as an ordinary user already");
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path home = Files.createDirectory(temporary.resolve("home"));
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
        var settings = new Settings(
                home.resolve("cache"), home.resolve("data"), "unused", Duration.ofMinutes(1), Duration.ofSeconds(20));
        long left;
        try (var first = Controller.start(settings, Optional.of("nobody"))) {
            left = first.awaitServer();
            assertThat(ProcessHandle.of(left).orElseThrow().info().user()).hasValue("nobody");
            assertThat(Files.getOwner(settings.data().resolve("postgres")).getName())
                    .isEqualTo("nobody");
            first.kill();
        }
        try (var second = Controller.start(settings, Optional.of("nobody"))) {
            assertThat(second.awaitServer()).isNotEqualTo(left);
            assertThat(ProcessHandle.of(left).filter(ProcessHandle::isAlive)).isEmpty();
        }
    }

    private static Connection connect(String url, DatabaseAccess.Login login) throws SQLException {
        return DriverManager.getConnection(url, login.user(), login.password().reveal());
    }

    private static String show(Connection connection, String setting) throws SQLException {
        try (var rows = connection.createStatement().executeQuery("SHOW " + setting)) {
            rows.next();
            return rows.getString(1);
        }
    }

    /** A controller in a process of its own. */
    private static final class Controller implements AutoCloseable {
        /** One class of each part that the server needs. */
        private static final List<Class<?>> NEEDED = List.of(
                EmbeddedPostgres.class,
                PostgresHolder.class,
                FailureException.class,
                Vault.class,
                PGSimpleDataSource.class,
                LoggerFactory.class,
                XZInputStream.class,
                TarArchiveInputStream.class,
                IOUtils.class,
                ArrayUtils.class,
                Hex.class);

        private final Process process;
        private final BufferedReader output;

        private Controller(Process process) {
            this.process = process;
            this.output = process.inputReader(StandardCharsets.UTF_8);
        }

        static Controller start(Settings settings, Optional<String> user) throws Exception {
            List<String> classPath = new ArrayList<>();
            for (Class<?> part : NEEDED) {
                classPath.add(Path.of(part.getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI())
                        .toString());
            }
            var archive = EmbeddedPostgresTest.class.getClassLoader().getResource("postgres-linux-x86_64.txz");
            classPath.add(archive.getPath().replaceFirst("^file:", "").replaceFirst("!.*", ""));
            List<String> command = new ArrayList<>();
            if (user.isPresent()) {
                classPath = readableByAll(classPath, settings.data().resolveSibling("lib"));
                command.addAll(List.of("setpriv", "--reuid=" + user.get(), "--clear-groups"));
            }
            command.addAll(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    String.join(":", classPath),
                    PostgresHolder.class.getName(),
                    settings.cache().toString(),
                    settings.data().toString(),
                    settings.systemUser()));
            return new Controller(
                    new ProcessBuilder(command).redirectErrorStream(true).start());
        }

        /** Class path entries may lie in the home of the user who runs the tests. */
        private static List<String> readableByAll(List<String> entries, Path folder)
                throws IOException, InterruptedException {
            Files.createDirectories(folder);
            List<String> copies = new ArrayList<>();
            for (int i = 0; i < entries.size(); i++) {
                Path entry = Path.of(entries.get(i));
                Path copy = folder.resolve(i + "-" + entry.getFileName());
                if (!Files.exists(copy)) {
                    new ProcessBuilder("cp", "-r", entry.toString(), copy.toString())
                            .start()
                            .waitFor();
                }
                copies.add(copy.toString());
            }
            new ProcessBuilder("chmod", "-R", "a+rX", folder.toString()).start().waitFor();
            return copies;
        }

        long pid() {
            return process.pid();
        }

        /** Waits until the server is up, and returns its process id. */
        long awaitServer() throws IOException {
            var seen = new StringBuilder();
            String line;
            while ((line = output.readLine()) != null) {
                if (line.startsWith("READY ")) {
                    return Long.parseLong(line.split(" ", -1)[1]);
                }
                seen.append(line).append('\n');
            }
            throw new AssertionError("the controller ended without a server:\n" + seen);
        }

        /** All that it says until it ends by itself. */
        String allOutput() throws IOException {
            return IOUtils.toString(output);
        }

        void kill() throws InterruptedException {
            process.destroyForcibly().waitFor();
        }

        @Override
        public void close() throws IOException {
            process.getOutputStream().close();
            try {
                process.onExit().orTimeout(60, TimeUnit.SECONDS).join();
            } finally {
                process.destroyForcibly();
            }
        }
    }
}
