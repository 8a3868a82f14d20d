package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.UserId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A session as it stands in the store.
 *
 * @param id its id
 * @param user whose it is
 * @param provider what is signed in to
 * @param status where it stands
 * @param browserMachine the machine that the sign-in runs in, once there is one
 * @param cliMachine the machine that the tool is to be used in, once there is one
 * @param version rises by one with every change of status or content
 * @param cause why it failed, if it did
 * @param proof what the tool in the CLI machine said, once it did
 * @param viewers how many watch its screen
 * @param lastViewed when the number of viewers was last told; null when nobody ever watched
 * @param createdAt when it was asked for
 * @param updatedAt when its version last rose
 * @param endedAt when it came to one of the final statuses; null while it runs
 * @param host whose controller works on it; null when none was named
 * @param expiresAt when the user's time is over; null while it has not begun
 * @param sealedVersion the version of the credentials in the vault that it sealed; null before
 * @param released whether its page said that the browser machine is needed no more
 * @param statusSince when it came to its status
 * @param keptUntil until when somebody asked for the browser machine to stay; null when nobody did
 */
public record StoredSession(
        SessionId id,
        UserId user,
        ProviderId provider,
        SessionStatus status,
        @Nullable MachineId browserMachine,
        @Nullable MachineId cliMachine,
        long version,
        @Nullable Cause cause,
        @Nullable String proof,
        int viewers,
        @Nullable Instant lastViewed,
        Instant createdAt,
        Instant updatedAt,
        @Nullable Instant endedAt,
        @Nullable HostId host,
        @Nullable Instant expiresAt,
        @Nullable Long sealedVersion,
        boolean released,
        Instant statusSince,
        @Nullable Instant keptUntil) {}
