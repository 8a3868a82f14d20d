package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A machine as it stands in the store. Its agent's token is not among it: see {@link MachineStore#agentToken}.
 *
 * @param id its id
 * @param type its kind
 * @param state where it stands
 * @param user whose it is; null for one that is nobody's
 * @param session the session that it was made for; null when none was, or it is forgotten
 * @param imageId the image that it was made from
 * @param driver the driver that makes and ends it
 * @param version rises by one with every change
 * @param agent where its agent's HTTP port is reached, once known
 * @param streams where its agent's stream port is reached, once known
 * @param endReason why it ends, once it does
 * @param cause the named cause, when it failed
 * @param createdAt when it was planned
 * @param updatedAt when its version last rose
 * @param readyAt when its agent answered; null before
 * @param endedAt when everything of it was undone; null before
 * @param host where it is; null when none was named
 * @param egress hosts that it may reach
 * @param handle what its driver needs to find it again; null until it runs
 * @param purpose what it is for
 */
public record StoredMachine(
        MachineId id,
        VmType type,
        MachineState state,
        @Nullable UserId user,
        @Nullable SessionId session,
        String imageId,
        String driver,
        long version,
        @Nullable InetSocketAddress agent,
        @Nullable InetSocketAddress streams,
        @Nullable String endReason,
        @Nullable Cause cause,
        Instant createdAt,
        Instant updatedAt,
        @Nullable Instant readyAt,
        @Nullable Instant endedAt,
        @Nullable HostId host,
        Set<String> egress,
        @Nullable String handle,
        Purpose purpose) {
    public StoredMachine {
        egress = Set.copyOf(egress);
    }
}
