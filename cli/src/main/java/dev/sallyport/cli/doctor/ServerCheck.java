package dev.sallyport.cli.doctor;

import dev.sallyport.model.Secret;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/** A database server of the operator's own: whether it answers, is new enough, near, and holds the role to its rows. */
final class ServerCheck implements Check {
    private static final int SECONDS = 5;
    private static final int OLDEST = 17;
    private static final Duration FAR = Duration.ofMillis(20);
    private static final int ROUNDS = 5;

    /** Whether the role is above row-level security, as a controller asks it at its start. */
    private static final String ABOVE = "SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT 1 FROM pg_tables t WHERE"
            + " t.tablename = 'sessions' AND pg_has_role(r.oid, t.tableowner, 'MEMBER'))"
            + " FROM pg_roles r WHERE r.rolname = current_user";

    /**
     * What was seen.
     *
     * @param where host and database
     * @param user the role
     * @param refusal why there is no connection; null when there is one
     * @param version such as {@code 18.6}
     * @param latency the middle one of some rounds
     * @param above whether row-level security does not hold for the role
     */
    record Seen(String where, String user, @Nullable String refusal, String version, Duration latency, boolean above) {}

    private final String url;
    private final Optional<String> user;
    private final Optional<Secret> password;

    /**
     * @param url a JDBC URL without credentials
     * @param user the application's role
     * @param password its password, if it needs one
     */
    ServerCheck(String url, Optional<String> user, Optional<Secret> password) {
        this.url = url;
        this.user = user;
        this.password = password;
    }

    @Override
    public String name() {
        return "server";
    }

    @Override
    public List<Finding> look() {
        var source = new PGSimpleDataSource();
        source.setURL(url);
        user.ifPresent(source::setUser);
        password.ifPresent(secret -> source.setPassword(secret.reveal()));
        source.setApplicationName("sallyport doctor");
        source.setLogServerErrorDetail(false);
        source.setConnectTimeout(SECONDS);
        source.setLoginTimeout(SECONDS);
        source.setSocketTimeout(SECONDS);
        String where = String.join(",", source.getServerNames()) + "/" + source.getDatabaseName();
        String role = user.orElse("its default role");
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            var rounds = new ArrayList<Duration>();
            for (int i = 0; i < ROUNDS; i++) {
                long began = System.nanoTime();
                statement.execute("SELECT 1");
                rounds.add(Duration.ofNanos(System.nanoTime() - began));
            }
            Collections.sort(rounds);
            return judge(new Seen(
                    where,
                    role,
                    null,
                    one(statement, "SHOW server_version"),
                    rounds.get(ROUNDS / 2),
                    one(statement, ABOVE).equals("t")));
        } catch (SQLException e) {
            return judge(new Seen(
                    where, role, "SQLSTATE " + e.getSQLState() + ": " + e.getMessage(), "", Duration.ZERO, false));
        }
    }

    private static String one(Statement statement, String query) throws SQLException {
        try (ResultSet rows = statement.executeQuery(query)) {
            return rows.next() ? String.valueOf(rows.getString(1)) : "";
        }
    }

    static List<Finding> judge(Seen seen) {
        String refusal = seen.refusal();
        if (refusal != null) {
            return List.of(Finding.broken(
                    "The database " + seen.where() + " does not take " + seen.user() + ": " + refusal,
                    remedyOf(refusal)));
        }
        var findings = new ArrayList<Finding>();
        String at = "PostgreSQL " + seen.version() + " at " + seen.where();
        if (major(seen.version()) < OLDEST) {
            findings.add(Finding.broken(at + " is too old.", "Use PostgreSQL " + OLDEST + " or newer."));
        }
        if (seen.above()) {
            findings.add(
                    Finding.broken(
                            "Row-level security does not hold for " + seen.user()
                                    + ": it owns the tables, or is a superuser, or bypasses it.",
                            "Give the application a role of its own: CREATE ROLE sallyport_app LOGIN NOSUPERUSER NOBYPASSRLS."));
        }
        String answers = at + " answers " + seen.user() + " within "
                + String.format(java.util.Locale.ROOT, "%.1f", seen.latency().toNanos() / 1e6) + " ms";
        if (seen.latency().compareTo(FAR) > 0) {
            findings.add(Finding.warning(
                    answers + ", which is far: each step of a sign-in waits for it several times.",
                    "Run the controller near its database."));
        } else if (findings.isEmpty()) {
            findings.add(Finding.ok(answers + "; row-level security holds."));
        }
        return findings;
    }

    private static int major(String version) {
        String digits = version.replaceAll("^(\\d{1,6}).*", "$1");
        return digits.matches("\\d{1,6}") ? Integer.parseInt(digits) : 0;
    }

    private static String remedyOf(String refusal) {
        if (refusal.startsWith("SQLSTATE 28")) {
            return "Set the role and its password in SALLYPORT_DATABASE_USER and SALLYPORT_DATABASE_PASSWORD, and let it in"
                    + " by the server's pg_hba.conf.";
        }
        if (refusal.startsWith("SQLSTATE 3D")) {
            return "Make it: CREATE DATABASE sallyport.";
        }
        return "See that the server runs, listens at that address, and is not behind a firewall.";
    }
}
