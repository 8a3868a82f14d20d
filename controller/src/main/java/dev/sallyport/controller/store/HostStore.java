package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * Hosts and their leases, by the database's clock. A lease that lapses is swept by whoever sees it first: in one transaction its
 * machines are lost and its sessions have failed. A host's row is locked by whoever takes, renews or sweeps its lease, so that these
 * never overlap.
 */
public final class HostStore {
    private final Database database;
    private final SessionStore sessions;
    private final MachineStore machines;

    /**
     * @param database where hosts are kept
     * @param sessions what fails with a host
     * @param machines what is lost with a host
     */
    public HostStore(Database database, SessionStore sessions, MachineStore machines) {
        this.database = database;
        this.sessions = sessions;
        this.machines = machines;
    }

    /**
     * Takes a host's lease, whoever held it before: that the one before has ended is the caller's to know, as by the lock of the data
     * folder.
     *
     * @return the host with its new epoch
     */
    public StoredHost take(HostId id, String name, String address, Duration lease) {
        return database.inTransaction(Scope.all(), handle -> {
            StoredHost taken = handle.createQuery(
                            "INSERT INTO hosts (id, name, address, epoch, state, lease_until, started_at)"
                                    + " VALUES (:id, :name, :address, 1, 'held', now() + CAST(:lease AS interval), now())"
                                    + " ON CONFLICT (id) DO UPDATE SET name = excluded.name, address = excluded.address,"
                                    + " epoch = hosts.epoch + 1, state = 'held', lease_until = excluded.lease_until,"
                                    + " started_at = now() RETURNING *")
                    .bind("id", id.value())
                    .bind("name", Texts.bounded(name, 255))
                    .bind("address", Texts.bounded(address, 255))
                    .bind("lease", lease.toString())
                    .map((row, context) -> host(row))
                    .one();
            // What a version before hosts had names has left: its database was one controller's alone.
            for (String table : List.of("sessions", "machines")) {
                handle.createUpdate("UPDATE " + table + " SET host = :id WHERE host IS NULL AND ended_at IS NULL")
                        .bind("id", id.value())
                        .execute();
            }
            return taken;
        });
    }

    /**
     * Renews a lease, lapsed or not, as long as nobody has swept it or taken it since.
     *
     * @param address where the host's API is reached
     * @return false when it is lost
     */
    public boolean renew(HostId id, long epoch, String address, Duration lease) {
        return database.inTransaction(
                        Scope.all(),
                        handle -> handle.createUpdate("UPDATE hosts SET lease_until = now() + CAST(:lease AS interval),"
                                        + " address = :address WHERE id = :id AND epoch = :epoch AND state = 'held'")
                                .bind("id", id.value())
                                .bind("epoch", epoch)
                                .bind("address", Texts.bounded(address, 255))
                                .bind("lease", lease.toString())
                                .execute())
                > 0;
    }

    /**
     * Gives a lease back in good order.
     *
     * @param leftFor how long the host's machines may wait for its next controller
     */
    public void release(HostId id, long epoch, Duration leftFor) {
        database.useTransaction(
                Scope.all(),
                handle -> handle.createUpdate(
                                "UPDATE hosts SET state = 'released', lease_until = now() + CAST(:lease AS interval)"
                                        + " WHERE id = :id AND epoch = :epoch AND state = 'held'")
                        .bind("id", id.value())
                        .bind("epoch", epoch)
                        .bind("lease", leftFor.toString())
                        .execute());
    }

    /**
     * Sweeps the leases that have lapsed: each in one transaction.
     *
     * @return the hosts that are lost by that
     */
    public List<StoredHost> sweep() {
        List<HostId> lapsed = database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery("SELECT id FROM hosts WHERE state <> 'lost' AND lease_until < now()")
                        .mapTo(String.class)
                        .map(HostId::new)
                        .list());
        return lapsed.stream()
                .map(id -> database.step("host lost", Scope.all(), handle -> lose(handle, id)))
                .flatMap(Optional::stream)
                .toList();
    }

    /** All hosts, by their ids. */
    public List<StoredHost> all() {
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery("SELECT * FROM hosts ORDER BY id")
                        .map((row, context) -> host(row))
                        .list());
    }

    /** One host. */
    public Optional<StoredHost> find(HostId id) {
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery("SELECT * FROM hosts WHERE id = :id")
                        .bind("id", id.value())
                        .map((row, context) -> host(row))
                        .findOne());
    }

    private Optional<StoredHost> lose(Handle handle, HostId id) {
        // Locked, and looked at again: it may have been renewed, or another controller may be at it.
        Optional<StoredHost> lost = handle.createQuery("SELECT * FROM hosts WHERE id = :id AND state <> 'lost'"
                        + " AND lease_until < now() FOR UPDATE SKIP LOCKED")
                .bind("id", id.value())
                .map((row, context) -> host(row))
                .findOne();
        if (lost.isEmpty()) {
            return lost;
        }
        handle.createUpdate("UPDATE hosts SET state = 'lost' WHERE id = :id")
                .bind("id", id.value())
                .execute();
        var cause = Cause.of(
                CauseCode.HOST_LOST,
                "Host " + lost.get().name() + " (" + id + ") has not renewed its lease since "
                        + lost.get().leaseUntil() + ".");
        handle.createQuery("SELECT id FROM sessions WHERE host = :id AND ended_at IS NULL ORDER BY id")
                .bind("id", id.value())
                .mapTo(String.class)
                .list()
                .forEach(session -> sessions.transition(
                        handle,
                        new SessionId(session),
                        SessionLife.Event.FAIL,
                        SessionChange.none().cause(cause)));
        handle.createQuery(
                        "SELECT id FROM machines WHERE host = :id AND ended_at IS NULL AND state <> 'lost' ORDER BY id")
                .bind("id", id.value())
                .mapTo(String.class)
                .list()
                .forEach(machine -> machines.transition(
                        handle,
                        new MachineId(machine),
                        MachineLife.Event.LOSE,
                        MachineChange.none().cause(cause)));
        return lost;
    }

    private static StoredHost host(ResultSet row) throws SQLException {
        return new StoredHost(
                new HostId(row.getString("id")),
                row.getString("name"),
                row.getString("address"),
                row.getLong("epoch"),
                StoredHost.State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
                Rows.instant(row, "lease_until"),
                Rows.instant(row, "started_at"));
    }
}
