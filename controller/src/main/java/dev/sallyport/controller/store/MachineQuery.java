package dev.sallyport.controller.store;

import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import org.jspecify.annotations.Nullable;

/**
 * Which machines a list is to hold.
 *
 * @param user of this user alone; null for all that the scope allows
 * @param type of this kind alone; null for both
 * @param session made for this session alone; null for all
 * @param aliveOnly those that are not destroyed
 */
public record MachineQuery(
        @Nullable UserId user,
        @Nullable VmType type,
        @Nullable SessionId session,
        boolean aliveOnly) {
    /** Machines of all sessions and of none. */
    public MachineQuery(@Nullable UserId user, @Nullable VmType type, boolean aliveOnly) {
        this(user, type, null, aliveOnly);
    }

    /** Those of one kind that were made for {@code session}. */
    public static MachineQuery of(SessionId session, VmType type) {
        return new MachineQuery(null, type, session, false);
    }

    /** All that the scope allows. */
    public static MachineQuery everything() {
        return new MachineQuery(null, null, false);
    }
}
