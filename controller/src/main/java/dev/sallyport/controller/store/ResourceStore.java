package dev.sallyport.controller.store;

import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.util.List;

/** What was made for machines in the world outside, written down before it is made. */
public final class ResourceStore {
    private final Database database;

    /** @param database where it is kept */
    public ResourceStore(Database database) {
        this.database = database;
    }

    /**
     * The ledger of one machine, which must be planned already. Writing down what is written down and not undone, and striking out
     * what is not there, are harmless; both are durable when they return, and throw
     * {@link dev.sallyport.model.FailureException} when they are not.
     */
    public ResourceLedger ledger(MachineId machine, VmType type) {
        return new ResourceLedger() {
            @Override
            public void intend(Resource resource) {
                database.repeatableStep(
                        "intend " + step(type, resource),
                        Scope.all(),
                        handle -> handle.createUpdate(
                                        "INSERT INTO resources (machine_id, driver, kind, name, intended_at)"
                                                + " VALUES (:machine, :driver, :kind, :name, :now)"
                                                + " ON CONFLICT (machine_id, driver, kind, name) WHERE undone_at IS NULL DO NOTHING")
                                .bind("machine", machine.value())
                                .bind("driver", resource.driver())
                                .bind("kind", resource.kind())
                                .bind("name", resource.name())
                                .bind("now", database.now())
                                .execute());
            }

            @Override
            public void undone(Resource resource) {
                database.repeatableStep(
                        "undone " + step(type, resource),
                        Scope.all(),
                        handle -> handle.createUpdate(
                                        "UPDATE resources SET undone_at = :now WHERE machine_id = :machine AND driver = :driver"
                                                + " AND kind = :kind AND name = :name AND undone_at IS NULL")
                                .bind("machine", machine.value())
                                .bind("driver", resource.driver())
                                .bind("kind", resource.kind())
                                .bind("name", resource.name())
                                .bind("now", database.now())
                                .execute());
            }
        };
    }

    /** The same for the same thing of every machine of that kind. */
    private static String step(VmType type, Resource resource) {
        String name = resource.name();
        return type.wire() + " " + resource.kind()
                + (name.startsWith("/") ? " " + name.substring(name.lastIndexOf('/') + 1) : "");
    }

    /** What is not undone of a machine, the last first: the order in which it is to be undone. */
    public List<Resource> notUndone(MachineId machine) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT driver, kind, name FROM resources"
                                + " WHERE machine_id = :machine AND undone_at IS NULL ORDER BY ordinal DESC")
                        .bind("machine", machine.value())
                        .map((row, context) ->
                                new Resource(row.getString("driver"), row.getString("kind"), row.getString("name")))
                        .list());
    }

    /** The destroyed machines of {@code host} of which something is not undone. */
    public List<MachineId> ofDestroyed(HostId host) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery(
                                "SELECT DISTINCT r.machine_id FROM resources r JOIN machines m ON m.id = r.machine_id"
                                        + " WHERE r.undone_at IS NULL AND m.state = 'destroyed' AND m.host = :host")
                        .bind("host", host.value())
                        .mapTo(String.class)
                        .map(MachineId::new)
                        .list());
    }
}
