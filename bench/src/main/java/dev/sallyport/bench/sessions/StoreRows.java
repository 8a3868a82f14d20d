package dev.sallyport.bench.sessions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.postgresql.ds.PGSimpleDataSource;

/** What the store knows of machines and timers, and what it has done, read as its owner, since the API does not tell of all of it. */
final class StoreRows {
    private static final String MACHINES = "SELECT count(*) FROM machines WHERE state <> 'destroyed'";
    private static final String RESOURCES = "SELECT count(*) FROM resources WHERE undone_at IS NULL";
    private static final String SESSIONS = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
    /** db-scheduler's table; those that recur are the controller's own. */
    private static final String HAS_TIMERS = "SELECT count(*) FROM pg_tables WHERE tablename = 'scheduled_tasks'";

    private static final String TIMERS = "SELECT count(*) FROM scheduled_tasks WHERE task_instance <> 'recurring'";

    private static final String COMMITTED =
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";

    private StoreRows() {}

    /** One question, on a connection of its own. */
    @FunctionalInterface
    private interface Question {
        Map<String, Long> answer(Statement statement) throws SQLException;
    }

    /**
     * Counts what is left.
     *
     * @param data the data folder of a running controller with an embedded database
     * @param things what the driver knows of
     */
    static Map<String, Long> of(Path data, int things) {
        return ask(
                data,
                statement -> Map.of(
                        "things", (long) things,
                        "machines", count(statement, MACHINES),
                        "resources", count(statement, RESOURCES),
                        "sessions", count(statement, SESSIONS),
                        "timers", count(statement, HAS_TIMERS) == 0 ? 0 : count(statement, TIMERS)));
    }

    /** Transactions that were committed since the database's start; up to a second old. */
    static Map<String, Long> transactions(Path data) {
        return ask(data, statement -> Map.of("committed", count(statement, COMMITTED)));
    }

    private static Map<String, Long> ask(Path data, Question question) {
        try (Connection connection = source(data).getConnection();
                Statement statement = connection.createStatement()) {
            return question.answer(statement);
        } catch (SQLException e) {
            throw new IllegalStateException("the store cannot be asked", e);
        } catch (IOException e) {
            throw new UncheckedIOException("the embedded database's files cannot be read", e);
        }
    }

    private static PGSimpleDataSource source(Path data) throws IOException {
        var source = new PGSimpleDataSource();
        source.setServerNames(new String[] {"127.0.0.1"});
        // The fourth line of postmaster.pid is the port.
        source.setPortNumbers(new int[] {
            Integer.parseInt(Files.readAllLines(data.resolve("postgres").resolve("postmaster.pid"))
                    .get(3)
                    .strip())
        });
        source.setDatabaseName("sallyport");
        source.setUser("sallyport_owner");
        source.setPassword(Files.readString(data.resolve("postgres-password")).strip());
        return source;
    }

    private static long count(Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }
}
