package dev.sallyport.controller.store;

import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import org.jspecify.annotations.Nullable;

/**
 * Which machines a list is to hold.
 *
 * @param user of this user alone; null for all that the scope allows
 * @param type of this kind alone; null for both
 * @param aliveOnly those that are not destroyed
 */
public record MachineQuery(@Nullable UserId user, @Nullable VmType type, boolean aliveOnly) {
    /** All that the scope allows. */
    public static MachineQuery everything() {
        return new MachineQuery(null, null, false);
    }
}
