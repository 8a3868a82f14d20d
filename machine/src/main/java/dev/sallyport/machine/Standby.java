package dev.sallyport.machine;

import dev.sallyport.model.MachineId;
import java.util.concurrent.CompletableFuture;

/**
 * A machine of which all is ready but its owner: a hypervisor that has a template's state and waits to be told to go on. Its guest stands
 * still. It is in no ledger, and is known by its folder alone ({@link MachineDriver#traces}), so that a controller that was killed leaves
 * what the next one removes with all folders that it does not know.
 */
public interface Standby extends AutoCloseable {
    /** The id that the machine will have. */
    MachineId id();

    /** Completes when its hypervisor has ended; what it had is still there until {@link #close}. */
    CompletableFuture<?> ended();

    /**
     * Starts the machine, once, as {@link MachineDriver#start} does and with what that throws. When it throws nothing is left, of the
     * standby neither.
     *
     * @param spec the same id, folder, image, shape and origin as it was prepared for
     * @param ledger told of all that was made, before the machine runs
     */
    Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException;

    /** Ends it and undoes what was made for it, unless it was started. Doing so twice is harmless. */
    @Override
    void close();
}
