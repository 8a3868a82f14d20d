package dev.sallyport.controller.store;

import dev.sallyport.model.ProviderId;
import dev.sallyport.model.UserId;
import dev.sallyport.vault.SealedStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.statement.Update;

/** The vault's entries and key set in PostgreSQL: cipher text only. */
public final class CredentialStore implements SealedStore {
    private final Database database;
    private final OutcomeListener outcomes;

    /** @param database where they are kept */
    public CredentialStore(Database database) {
        this(database, OutcomeListener.NONE);
    }

    /** As {@link #CredentialStore(Database)}, with somebody who is told of each operation. */
    public CredentialStore(Database database, OutcomeListener outcomes) {
        this.database = database;
        this.outcomes = outcomes;
    }

    @Override
    public Optional<SealedEntry> find(UserId user, ProviderId provider) {
        Optional<SealedEntry> found = database.repeatably(
                Scope.of(user),
                handle -> handle.createQuery("SELECT * FROM credentials WHERE user_id = :user AND provider = :provider")
                        .bind("user", user.value())
                        .bind("provider", provider.value())
                        .map((row, context) -> entry(row))
                        .findOne());
        outcomes.vault("find", found.isPresent());
        return found;
    }

    @Override
    public boolean write(SealedEntry entry, long expectedVersion) {
        boolean written = database.step("credentials sealed", Scope.of(entry.user()), handle -> {
            Update update = expectedVersion == 0
                    ? handle.createUpdate(
                            "INSERT INTO credentials (user_id, provider, version, sealed, key_id, updated_at)"
                                    + " VALUES (:user, :provider, :version, :sealed, :key, :now) ON CONFLICT DO NOTHING")
                    : handle.createUpdate("UPDATE credentials SET version = :version, sealed = :sealed, key_id = :key,"
                                    + " updated_at = :now"
                                    + " WHERE user_id = :user AND provider = :provider AND version = :expected")
                            .bind("expected", expectedVersion);
            return update.bind("user", entry.user().value())
                            .bind("provider", entry.provider().value())
                            .bind("version", entry.version())
                            .bind("sealed", entry.sealed())
                            .bind("key", entry.keyId())
                            .bind("now", database.now())
                            .execute()
                    == 1;
        });
        outcomes.vault("seal", written);
        return written;
    }

    @Override
    public boolean replaceSealed(SealedEntry entry, String expectedKeyId) {
        return database.inTransaction(
                        Scope.of(entry.user()),
                        handle -> handle.createUpdate("UPDATE credentials SET sealed = :sealed, key_id = :key"
                                        + " WHERE user_id = :user AND provider = :provider AND version = :version"
                                        + " AND key_id = :expected")
                                .bind("sealed", entry.sealed())
                                .bind("key", entry.keyId())
                                .bind("user", entry.user().value())
                                .bind("provider", entry.provider().value())
                                .bind("version", entry.version())
                                .bind("expected", expectedKeyId)
                                .execute())
                == 1;
    }

    @Override
    public List<SealedEntry> notSealedWith(String keyId, int limit) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT * FROM credentials"
                                + " WHERE key_id <> :key AND key_id <> '' ORDER BY user_id, provider LIMIT :limit")
                        .bind("key", keyId)
                        .bind("limit", limit)
                        .map((row, context) -> entry(row))
                        .list());
    }

    @Override
    public Optional<SealedKeyset> keyset() {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT version, sealed FROM vault_keyset")
                        .map((row, context) -> new SealedKeyset(row.getLong("version"), row.getBytes("sealed")))
                        .findOne());
    }

    @Override
    public boolean writeKeyset(SealedKeyset keyset, long expectedVersion) {
        return database.inTransaction(Scope.all(), handle -> {
            Update update = expectedVersion == 0
                    ? handle.createUpdate("INSERT INTO vault_keyset (version, sealed) VALUES (:version, :sealed)"
                            + " ON CONFLICT DO NOTHING")
                    : handle.createUpdate("UPDATE vault_keyset SET version = :version, sealed = :sealed"
                                    + " WHERE version = :expected")
                            .bind("expected", expectedVersion);
            return update.bind("version", keyset.version())
                            .bind("sealed", keyset.sealed())
                            .execute()
                    == 1;
        });
    }

    private static SealedEntry entry(ResultSet row) throws SQLException {
        return new SealedEntry(
                new UserId(row.getString("user_id")),
                new ProviderId(row.getString("provider")),
                row.getLong("version"),
                row.getBytes("sealed"),
                row.getString("key_id"),
                Rows.instant(row, "updated_at"));
    }
}
