package dev.sallyport.controller.store;

import java.util.function.Function;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/** One try of one transaction, which knows whether it may have been committed without an answer. */
final class Transaction<T> {
    private final Scope scope;
    private final Function<Handle, T> work;
    private final boolean traced;
    private @Nullable T result;
    private boolean atCommit;
    /** The transaction's id once its commit is under way; null before, and when it has written nothing. */
    private @Nullable String committing;

    /** @param traced whether its id is asked for, so that its fate can be found out */
    Transaction(Scope scope, Function<Handle, T> work, boolean traced) {
        this.scope = scope;
        this.work = work;
        this.traced = traced;
    }

    T run(Jdbi jdbi) {
        try (Handle handle = jdbi.open()) {
            return handle.inTransaction(inside -> {
                inside.execute("SELECT set_config('sallyport.user', ?, true)", scope.setting());
                T done = work.apply(inside);
                atCommit = !traced;
                if (traced) {
                    String id = inside.createQuery("SELECT CAST(pg_current_xact_id_if_assigned() AS text)")
                            .mapTo(String.class)
                            .findOne()
                            .orElse(null);
                    if (id != null) {
                        keepId(inside);
                    }
                    result = done;
                    committing = id;
                }
                return done;
            });
        }
    }

    /**
     * Brings this transaction's id to the disk: of a server that crashes before it is there, the next one gives the same id to
     * another transaction, whose fate would be taken for this one's.
     */
    private static void keepId(Handle handle) {
        handle.createQuery("SELECT CAST(pg_logical_emit_message(false, 'sallyport', '', true) AS text)")
                .mapTo(String.class)
                .one();
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
