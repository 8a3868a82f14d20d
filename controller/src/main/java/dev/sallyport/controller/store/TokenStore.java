package dev.sallyport.controller.store;

import dev.sallyport.model.MachineId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.UserId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Users' tokens. Of a token only its SHA-256 digest is kept, which is enough for 256 random bits. */
public final class TokenStore {
    private static final int TOKEN_BYTES = 32;
    private static final int MAX_LABEL = 200;
    /** Longer than any token: what is presented is hostile, and not digested without a bound. */
    private static final int MAX_PRESENTED = 256;

    /**
     * A fresh token.
     *
     * @param token what is known of it from now on
     * @param secret the token itself, to be shown once
     */
    public record Issued(StoredToken token, Secret secret) {}

    private final Database database;

    /** @param database where they are kept */
    public TokenStore(Database database) {
        this.database = database;
    }

    /**
     * Makes a token.
     *
     * @param label cut to 200 characters
     * @param validFor how long it is valid; null for until it is revoked
     */
    public Issued issue(UserId user, String label, @Nullable Duration validFor) {
        Secret secret = Secret.of("sp_" + Secret.random(TOKEN_BYTES).reveal());
        // The same random characters as a machine's id, under a letter of its own.
        String id = "t-" + MachineId.random().value().substring(2);
        StoredToken token = database.inTransaction(Scope.of(user), handle -> {
            Instant now = database.now();
            return handle.createQuery("INSERT INTO tokens (id, sha256, user_id, label, created_at, expires_at)"
                            + " VALUES (:id, :sha256, :user, :label, :now, :expires) RETURNING *")
                    .bind("id", id)
                    .bind("sha256", secret.sha256())
                    .bind("user", user.value())
                    .bind("label", Texts.bounded(label, MAX_LABEL))
                    .bind("now", now)
                    .bind("expires", validFor == null ? null : now.plus(validFor))
                    .map((row, context) -> token(row))
                    .one();
        });
        return new Issued(token, secret);
    }

    /** The token that was presented; empty when it is unknown, expired or revoked. */
    public Optional<StoredToken> authenticate(Secret presented) {
        if (presented.reveal().length() > MAX_PRESENTED) {
            return Optional.empty();
        }
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery(
                                "SELECT * FROM tokens"
                                        + " WHERE sha256 = :sha256 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)")
                        .bind("sha256", presented.sha256())
                        .bind("now", database.now())
                        .map((row, context) -> token(row))
                        .findOne());
    }

    /**
     * Lists tokens, newest first, revoked and expired ones included.
     *
     * @param cursor what the page before named as its next; null for the first page
     * @param limit most items, from 1; more than 500 is taken as 500
     */
    public Page<StoredToken> list(Scope scope, @Nullable String cursor, int limit) {
        Cursor after = Cursor.parse(cursor);
        int most = Cursor.limit(limit);
        Map<String, Object> values = new HashMap<>();
        String condition = "true";
        if (after != null) {
            condition = "(created_at, id) < (:afterTime, :afterId)";
            values.put("afterTime", after.at());
            values.put("afterId", after.id());
        }
        String sql = "SELECT * FROM tokens WHERE " + condition + " ORDER BY created_at DESC, id DESC LIMIT :limit";
        List<StoredToken> rows = database.inTransaction(
                scope,
                handle -> handle.createQuery(sql)
                        .bindMap(values)
                        .bind("limit", most + 1)
                        .map((row, context) -> token(row))
                        .list());
        return Cursor.page(rows, most, last -> new Cursor(last.createdAt(), last.id()));
    }

    /**
     * Revokes a token for good.
     *
     * @return false when there is none that the scope may see, or it was revoked before
     */
    public boolean revoke(Scope scope, String id) {
        return database.inTransaction(
                        scope,
                        handle -> handle.createUpdate(
                                        "UPDATE tokens SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL")
                                .bind("now", database.now())
                                .bind("id", Texts.bounded(id, 64))
                                .execute())
                == 1;
    }

    private static StoredToken token(ResultSet row) throws SQLException {
        return new StoredToken(
                row.getString("id"),
                new UserId(row.getString("user_id")),
                row.getString("label"),
                Rows.instant(row, "created_at"),
                Rows.instantOrNull(row, "expires_at"),
                Rows.instantOrNull(row, "revoked_at"));
    }
}
