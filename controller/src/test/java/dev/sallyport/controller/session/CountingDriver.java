package dev.sallyport.controller.session;

import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.StepListener;
import dev.sallyport.model.MachineId;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** A driver whose machines are only on record: it counts how often each thing was undone while it was there. */
final class CountingDriver implements MachineDriver {
    private final Map<Resource, Integer> undone = new ConcurrentHashMap<>();

    int timesUndone(Resource resource) {
        return undone.getOrDefault(resource, 0);
    }

    @Override
    public String name() {
        return "counting";
    }

    @Override
    public Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) {
        throw new UnsupportedOperationException("machines of this driver are put on record by tests");
    }

    @Override
    public Optional<Machine> adopt(
            MachineSpec spec, String handle, List<Resource> made, ResourceLedger ledger, StepListener steps) {
        return Optional.empty();
    }

    @Override
    public List<Resource> traces(MachineId id, Path directory) {
        return List.of();
    }

    @Override
    public List<String> undo(Resource resource) {
        undone.merge(resource, 1, Integer::sum);
        return List.of();
    }
}
