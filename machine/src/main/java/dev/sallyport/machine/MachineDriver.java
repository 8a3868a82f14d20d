package dev.sallyport.machine;

import java.util.List;

/**
 * Makes and ends machines of one technology. Nothing above this interface knows which it is; the contract test
 * {@code MachineDriverContract} says how each must behave.
 *
 * <p>Every outside thing (process, network interface, file, directory) is written to the {@link ResourceLedger} before it is
 * made, and {@link #undo} removes it by what the ledger knows alone, so that a controller that was killed at any instruction
 * finds and removes what is left.
 */
public interface MachineDriver {
    /** A short stable name, such as {@code qemu}. */
    String name();

    /**
     * Starts a machine, and returns as soon as it runs; whether its agent answers is another question.
     *
     * @param spec what to start
     * @param ledger told of each thing before it is made
     * @param steps told of each step when it is done
     * @return the running machine
     * @throws dev.sallyport.model.FailureException with the cause when it cannot be started; what was made until then has been undone
     * @throws InterruptedException when the calling thread is interrupted; what was made until then has been undone
     */
    Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException;

    /**
     * Removes one thing that this driver made. Undoing what is not there is harmless; what is not ours is not touched.
     *
     * @return the errors met, none when it is gone
     */
    List<String> undo(Resource resource);
}
