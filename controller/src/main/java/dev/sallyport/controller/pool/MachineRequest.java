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
 * @param owner whose it will be
 * @param egress hosts that it may reach: exact names, or {@code *.} and a domain
 */
public record MachineRequest(VmType type, Owner owner, Set<String> egress) {
    public MachineRequest {
        egress = Set.copyOf(egress);
    }

    /**
     * One of a user's.
     *
     * @param session the session whose timeline tells of it too; null for none
     */
    public MachineRequest(VmType type, UserId user, @Nullable SessionId session, Set<String> egress) {
        this(type, new Owner.User(user, session), egress);
    }

    /** One of nobody's, which may reach nothing. */
    static MachineRequest spare(VmType type, Owner owner) {
        return new MachineRequest(type, owner, Set.of());
    }
}
