package dev.sallyport.controller.store;

import dev.sallyport.model.ProviderId;
import dev.sallyport.model.UserId;
import org.jspecify.annotations.Nullable;

/**
 * Which sessions a list is to hold.
 *
 * @param user of this user alone; null for all that the scope allows
 * @param provider of this provider alone; null for all
 * @param runningOnly those that have not ended
 */
public record SessionQuery(@Nullable UserId user, @Nullable ProviderId provider, boolean runningOnly) {
    /** All that the scope allows. */
    public static SessionQuery everything() {
        return new SessionQuery(null, null, false);
    }
}
