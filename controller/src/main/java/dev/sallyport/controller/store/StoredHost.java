package dev.sallyport.controller.store;

import dev.sallyport.model.HostId;
import java.time.Instant;

/**
 * A host as it stands in the store.
 *
 * @param id its id
 * @param name its name, for people
 * @param address where its API is reached
 * @param epoch rises by one each time that its lease is taken
 * @param state whether its lease is held
 * @param leaseUntil when the lease lapses, by the database's clock
 * @param startedAt when its lease was last taken
 */
public record StoredHost(
        HostId id, String name, String address, long epoch, State state, Instant leaseUntil, Instant startedAt) {
    /** What became of a lease. */
    public enum State {
        /** Its controller renews it, or has not renewed it yet. */
        HELD,
        /** Its controller ended in good order; its machines, if any, wait for the next one until the lease lapses. */
        RELEASED,
        /** It lapsed: its machines are lost, and its sessions have failed. */
        LOST
    }
}
