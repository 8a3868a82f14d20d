package dev.sallyport.controller.pool;

import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A machine that is wanted.
 *
 * @param type its kind
 * @param user whose it will be
 * @param session the session whose timeline tells of it too; null for none
 * @param egress hosts that it may reach: exact names, or {@code *.} and a domain
 */
public record MachineRequest(
        VmType type, UserId user, @Nullable SessionId session, Set<String> egress) {
    public MachineRequest {
        egress = Set.copyOf(egress);
    }
}
