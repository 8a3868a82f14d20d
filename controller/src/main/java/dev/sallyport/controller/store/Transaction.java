package dev.sallyport.controller.store;

import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/** One try of one transaction, which knows whether it may have been committed without an answer. */
final class Transaction<T> {
    /** What may be done when nobody has told whether it was committed. */
    enum Kind {
        /** It is not tried again. */
        ONCE,
        /** It is done again: done twice it leaves what it leaves when done once. */
        REPEATABLE,
        /** Its id is asked for, so that its fate can be found out. */
        TRACED
    }

    /**
     * The id of this transaction, if it has written anything, which is on the disk then: of a server that crashes before it is there,
     * the next one gives the same id to another transaction, whose fate would be taken for this one's.
     */
    private static final String ID_ON_DISK = "SELECT CAST(pg_current_xact_id_if_assigned() AS text) AS id,"
            + " CASE WHEN pg_current_xact_id_if_assigned() IS NOT NULL"
            + " THEN CAST(pg_logical_emit_message(false, 'sallyport', '', true) AS text) END AS kept";

    private final Scope scope;
    private final Function<Handle, T> work;
    private final Kind kind;
    private @Nullable T result;
    private boolean atCommit;
    /** The transaction's id once its commit is under way; null before, and when it has written nothing. */
    private @Nullable String committing;

    Transaction(Scope scope, Function<Handle, T> work, Kind kind) {
        this.scope = scope;
        this.work = work;
        this.kind = kind;
    }

    /** Whether it belongs on a connection that sees all rows. */
    boolean seesAll() {
        return scope == Scope.all();
    }

    /** @param jdbi of connections that see all rows, or none, as {@link #seesAll()} says */
    T run(Jdbi jdbi) {
        try (Handle handle = jdbi.open()) {
            return handle.inTransaction(inside -> {
                if (!seesAll()) {
                    inside.execute("SELECT set_config('" + Scope.SETTING + "', ?, true)", scope.setting());
                }
                T done = work.apply(inside);
                atCommit = kind == Kind.ONCE;
                if (kind == Kind.TRACED) {
                    String id = inside.createQuery(ID_ON_DISK)
                            .map((row, context) -> Optional.ofNullable(row.getString("id")))
                            .one()
                            .orElse(null);
                    result = done;
                    committing = id;
                }
                return done;
            });
        }
    }

    /** False when it may have been committed, and nobody can find out. */
    boolean mayBeTriedAgain() {
        return !atCommit;
    }

    /** @param committed tells, by its id, whether a transaction was committed */
    boolean isCommitted(Predicate<String> committed) {
        return committing != null && committed.test(committing);
    }

    /** What {@code work} gave; only of a transaction that {@link #isCommitted}. */
    @SuppressWarnings("NullAway") // Null where the work gave null, which is the caller's own business.
    T result() {
        return result;
    }
}
