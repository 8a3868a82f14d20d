package dev.sallyport.controller.store;

import dev.sallyport.model.UserId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a user's token; the token itself is not kept.
 *
 * @param id names it
 * @param user whom it stands for
 * @param label what its maker calls it
 * @param createdAt when it was made
 * @param expiresAt when it ends by itself; null for never
 * @param revokedAt when it was revoked; null when it was not
 */
public record StoredToken(
        String id,
        UserId user,
        String label,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant revokedAt) {}
