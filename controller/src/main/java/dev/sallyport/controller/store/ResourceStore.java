package dev.sallyport.controller.store;

import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.model.MachineId;
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
    public ResourceLedger ledger(MachineId machine) {
        return new ResourceLedger() {
            @Override
            public void intend(Resource resource) {
                database.useTransaction(
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
                database.useTransaction(
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

    /** What is not undone of a machine, the last first: the order in which it is to be undone. */
    public List<Resource> notUndone(MachineId machine) {
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery("SELECT driver, kind, name FROM resources"
                                + " WHERE machine_id = :machine AND undone_at IS NULL ORDER BY ordinal DESC")
                        .bind("machine", machine.value())
                        .map((row, context) ->
                                new Resource(row.getString("driver"), row.getString("kind"), row.getString("name")))
                        .list());
    }

    /** The machines of which something is not undone, in whatever state they are. */
    public List<MachineId> machinesWithResources() {
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery(
                                "SELECT machine_id FROM resources WHERE undone_at IS NULL GROUP BY machine_id ORDER BY max(ordinal) DESC")
                        .mapTo(String.class)
                        .map(MachineId::new)
                        .list());
    }
}
