package dev.sallyport.controller.pool;

import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares what is on this host with what should be, and mends it: machines that are to end and do not, machines that nobody works on,
 * things on record of machines that are gone, folders that no row knows of.
 */
final class LeftBehind {
    private static final Logger LOG = LoggerFactory.getLogger(LeftBehind.class);

    private final Machines machines;
    private final MachineDriver driver;
    private final MachineStore store;
    private final ResourceStore resources;
    private final MachineFolders folders;
    private final HostId host;
    private final LongAdder removed = new LongAdder();

    LeftBehind(
            Machines machines,
            MachineDriver driver,
            MachineStore store,
            ResourceStore resources,
            MachineFolders folders,
            HostId host) {
        this.machines = machines;
        this.driver = driver;
        this.store = store;
        this.resources = resources;
        this.folders = folders;
        this.host = host;
    }

    long removed() {
        return removed.sum();
    }

    void mend() {
        store.notUndone(host).forEach(machines::undo);
        for (MachineId id : store.idsNotDestroyed(host)) {
            if (!machines.isAtWork(id) && isForgotten(id)) {
                removed.increment();
                machines.end(id, "nobody works on it any more");
            }
        }
        removeUnknown();
    }

    /** What no machine that is not destroyed has. */
    void removeUnknown() {
        resources.ofDestroyed(host).forEach(machines::undoWhatIsOnRecord);
        for (MachineId id : folders.present()) {
            // Looked at in this order: a start writes its machine down before it makes the folder.
            if (!machines.isAtWork(id)
                    && store.find(Scope.all(), id)
                            .filter(known -> known.state() != MachineState.DESTROYED)
                            .isEmpty()) {
                remove(id);
            }
        }
    }

    /** Looked at again: its start may have begun, or ended, since the list was read. */
    private boolean isForgotten(MachineId id) {
        return store.find(Scope.all(), id)
                .filter(now -> now.state() != MachineState.DESTROYED
                        && now.state() != MachineState.DESTROYING
                        && now.state() != MachineState.LOST)
                .filter(now -> !machines.isAtWork(id))
                .isPresent();
    }

    /** A folder is ours by where it lies; what a machine of that name could have made is known to its driver. */
    private void remove(MachineId id) {
        LOG.warn("Removing the folder of {}, of which nobody knows", id);
        removed.increment();
        List<String> errors = new ArrayList<>();
        for (Resource left : driver.traces(id, folders.of(id))) {
            errors.addAll(driver.undo(left));
        }
        folders.remove(id, errors);
        if (!errors.isEmpty()) {
            LOG.error("The folder of {} could not be removed: {}", id, errors);
        }
    }
}
