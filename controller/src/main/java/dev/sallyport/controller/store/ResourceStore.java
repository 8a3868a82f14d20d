package dev.sallyport.controller.store;

import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.util.List;
import java.util.function.Function;
import org.jdbi.v3.core.statement.Update;

/** What was made for machines in the world outside, written down before it is made. */
public final class ResourceStore {
    /** The resources of one call, bound as {@link #columns}. */
    private static final String GIVEN =
            "unnest(CAST(:drivers AS text[]), CAST(:kinds AS text[]), CAST(:names AS text[]))"
                    + " WITH ORDINALITY AS given (driver, kind, name, place)";

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
            public void intend(List<Resource> resources) {
                database.repeatableStep(
                        "intend " + step(type, resources),
                        Scope.all(),
                        handle -> columns(
                                        handle.createUpdate(
                                                "INSERT INTO resources (machine_id, driver, kind, name, intended_at)"
                                                        + " SELECT :machine, driver, kind, name, :now FROM " + GIVEN
                                                        + " ORDER BY place ON CONFLICT (machine_id, driver, kind, name)"
                                                        + " WHERE undone_at IS NULL DO NOTHING"),
                                        resources)
                                .bind("machine", machine.value())
                                .bind("now", database.now())
                                .execute());
            }

            @Override
            public void undone(List<Resource> resources) {
                database.repeatableStep(
                        "undone " + step(type, resources),
                        Scope.all(),
                        handle -> columns(
                                        handle.createUpdate(
                                                "UPDATE resources r SET undone_at = :now FROM " + GIVEN
                                                        + " WHERE r.machine_id = :machine AND r.driver = given.driver"
                                                        + " AND r.kind = given.kind AND r.name = given.name AND r.undone_at IS NULL"),
                                        resources)
                                .bind("machine", machine.value())
                                .bind("now", database.now())
                                .execute());
            }
        };
    }

    private static Update columns(Update update, List<Resource> resources) {
        return update.bindArray("drivers", String.class, column(resources, Resource::driver))
                .bindArray("kinds", String.class, column(resources, Resource::kind))
                .bindArray("names", String.class, column(resources, Resource::name));
    }

    private static List<String> column(List<Resource> resources, Function<Resource, String> column) {
        return resources.stream().map(column).toList();
    }

    /** The same for the same things of every machine of that kind. */
    private static String step(VmType type, List<Resource> resources) {
        return type.wire() + " " + (resources.size() == 1 ? resources.getFirst().kind() : "things");
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
