package dev.sallyport.controller.store;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;

/** Tells a database that is away, or in the way of itself, for a while from a statement that it refuses (PostgreSQL, appendix A, "Error Codes"). */
final class Outage {
    /**
     * Shut down by an operator, after a crash of another connection, or starting; no room for connections; no room on the disk; given
     * up for another transaction, when each waited for the other.
     */
    private static final Set<String> PASSING =
            Set.of("57P01", "57P02", "57P03", "53300", "53100", "25006", "58030", "40P01");

    private static final String CONNECTION = "08";

    private Outage() {}

    static boolean isOne(Throwable thrown) {
        for (Throwable at = thrown; at != null; at = at.getCause()) {
            if (at instanceof SQLTransientConnectionException) {
                return true; // No connection was to be had.
            }
            if (at instanceof SQLException sql
                    && sql.getSQLState() != null
                    && (sql.getSQLState().startsWith(CONNECTION) || PASSING.contains(sql.getSQLState()))) {
                return true;
            }
        }
        return false;
    }
}
