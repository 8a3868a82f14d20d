package dev.sallyport.controller.pool;

import dev.sallyport.controller.store.MachineChange;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Undoes everything of a machine, by what is on record of it. */
final class Undoing {
    private static final Logger LOG = LoggerFactory.getLogger(Undoing.class);

    private final Machines machines;
    private final MachineDriver driver;
    private final MachineStore store;
    private final ResourceStore resources;
    private final MachineFolders folders;
    private final MachineTimeline timeline;
    /** Those that are being undone. */
    private final Set<MachineId> underWay = ConcurrentHashMap.newKeySet();

    Undoing(
            Machines machines,
            MachineDriver driver,
            MachineStore store,
            ResourceStore resources,
            MachineFolders folders,
            MachineTimeline timeline) {
        this.machines = machines;
        this.driver = driver;
        this.store = store;
        this.resources = resources;
        this.folders = folders;
        this.timeline = timeline;
    }

    boolean isUnderWay(MachineId id) {
        return underWay.contains(id);
    }

    /** Doing so twice is harmless; of several callers at once one does it and the others return. */
    void undo(StoredMachine machine) {
        MachineId id = machine.id();
        if (!underWay.add(id)) {
            return;
        }
        try {
            undoWhole(machine);
        } finally {
            underWay.remove(id);
        }
    }

    /** Undoes what was made of a machine after it had been destroyed, by a start that was ended halfway. */
    void undoWhatIsOnRecord(MachineId id) {
        if (underWay.add(id)) {
            try {
                store.find(Scope.all(), id).ifPresent(machine -> undoResources(machine, new ArrayList<>()));
            } finally {
                underWay.remove(id);
            }
        }
    }

    private void undoWhole(StoredMachine machine) {
        MachineId id = machine.id();
        List<String> errors = new ArrayList<>(machines.drop(id));
        undoResources(machine, errors);
        machines.giveBack(id);
        folders.remove(id, errors);
        if (!errors.isEmpty()) {
            // It stays as it is, with its resources on record: the next look tries again.
            LOG.error("Machine {} is not wholly undone: {}", id, errors);
            return;
        }
        try {
            store.transition(id, MachineLife.Event.GONE, MachineChange.none());
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.CONFLICT) {
                throw e;
            }
            LOG.debug("Machine {} had been undone before", id);
            return;
        }
        timeline.gone(machine);
    }

    private void undoResources(StoredMachine machine, List<String> errors) {
        var undone = new ArrayList<Resource>();
        for (Resource left : resources.notUndone(machine.id())) {
            List<String> met = driver.undo(left);
            errors.addAll(met);
            if (met.isEmpty()) {
                undone.add(left);
            }
        }
        if (!undone.isEmpty()) {
            resources.ledger(machine.id(), machine.type()).undone(undone);
        }
    }
}
