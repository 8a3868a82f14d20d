package dev.sallyport.controller.store.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.store.Await;
import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that ends again and again, and one that cannot come back for a while. */
final class EmbeddedPostgresOutageTest {
    private static final int ROUNDS = 12;

    @TempDir
    Path temporary;

    @Test
    void isBroughtBackHoweverOftenItIsKilled() throws Exception {
        try (var server = EmbeddedPostgres.start(PostgresFolders.settings(temporary))) {
            assertThat(ask(server, "CREATE TABLE rounds (n serial); SELECT 0")).isZero();
            for (int round = 1; round <= ROUNDS; round++) {
                Kill.serverAndAwaitTheNext(server);
                assertThat(server.failure()).as("round %d", round).isEmpty();
                assertThat(ask(server, "INSERT INTO rounds DEFAULT VALUES; SELECT count(*) FROM rounds"))
                        .as("all that was committed")
                        .isEqualTo(round);
            }
        }
    }

    @Test
    void whatKeepsItFromComingBackIsNamedUntilItIsGone() throws Exception {
        try (var server = EmbeddedPostgres.start(PostgresFolders.settings(temporary))) {
            long first = server.pid();
            Path control = temporary.resolve("data/postgres/global/pg_control");
            Path away = control.resolveSibling("pg_control.away");
            Files.move(control, away);
            Kill.server(server);
            awaitFailure(server, CauseCode.DATABASE_FAILED);
            assertThat(server.failure().map(Cause::evidence).orElseThrow())
                    .as("the server's own words")
                    .anyMatch(line -> line.contains("pg_control"));

            // While it cannot start its port is free: somebody takes it.
            try (var taken = new ServerSocket()) {
                taken.bind(new InetSocketAddress(
                        InetAddress.ofLiteral("127.0.0.1"), server.started().port()));
                Files.move(away, control);
                awaitFailure(server, CauseCode.PORT_TAKEN);
                assertThat(server.pid()).isEqualTo(first);
            }
            Await.until("a server that is back", () -> server.pid() != first);
            assertThat(server.failure()).isEmpty();
            assertThat(ask(server, "SELECT 1")).isEqualTo(1);
        }
    }

    private static void awaitFailure(EmbeddedPostgres server, CauseCode code) throws InterruptedException {
        Await.until(
                "a server that cannot be started: " + code,
                () -> server.failure().map(Cause::code).filter(code::equals).isPresent());
    }

    /** The last statement's number. */
    private static long ask(EmbeddedPostgres server, String sql) throws SQLException {
        DatabaseAccess.Login owner = server.access().owner();
        try (Connection connection = DriverManager.getConnection(
                        server.access().url(), owner.user(), owner.password().reveal());
                var statement = connection.createStatement()) {
            boolean isNumber = statement.execute(sql);
            while (!isNumber) {
                isNumber = statement.getMoreResults();
            }
            try (var rows = statement.getResultSet()) {
                rows.next();
                return rows.getLong(1);
            }
        }
    }
}
