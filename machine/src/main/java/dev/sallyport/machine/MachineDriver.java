package dev.sallyport.machine;

import dev.sallyport.model.MachineId;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Makes and ends machines of one technology. Nothing above this interface knows which it is; the contract test
 * {@code MachineDriverContract} says how each must behave.
 *
 * <p>Every outside thing (process, network interface, file, directory) is written to the {@link ResourceLedger} before it is
 * made, and {@link #undo} removes it by what the ledger knows alone, so that a controller that was killed at any instruction
 * finds and removes what is left. A machine does not depend on the process that started it: it runs on when that ends, however it
 * ends, until it is adopted or undone.
 */
public interface MachineDriver {
    /** A short stable name, such as {@code qemu}. */
    String name();

    /**
     * Starts a machine, and returns as soon as it runs; whether its agent answers is another question. One that begins from a
     * template has been told who it is when this returns; its agent says so ({@link Readiness} waits for it).
     *
     * @param spec what to start
     * @param ledger told of each thing before it is made
     * @param steps told of each step when it is done
     * @return the running machine
     * @throws dev.sallyport.model.FailureException with the cause when it cannot be started; what was made until then has been undone.
     *     {@code TEMPLATE_UNUSABLE} when the template is the reason: booting the image may work, and the template is to be made anew
     * @throws InterruptedException when the calling thread is interrupted; what was made until then has been undone
     */
    Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException;

    /**
     * What a template of machines like {@code spec} depends on. Only its type, image, shape and facts are looked at; the first call
     * may have to find out what this host can do.
     *
     * @return empty when this driver makes no templates
     * @throws dev.sallyport.model.FailureException with the cause when no machine could be started here at all
     * @throws InterruptedException when the calling thread is interrupted
     */
    default Optional<TemplateKey> templateKey(MachineSpec spec) throws InterruptedException {
        return Optional.empty();
    }

    /**
     * Does all of a start from a template that can be done before anybody needs the machine; {@link Standby#start} does the rest.
     *
     * @param spec with a template as its origin; its facts, but for their length, and its door do not matter yet
     * @return empty when this driver has nothing to prepare
     * @throws dev.sallyport.model.FailureException with the cause when it cannot be prepared; nothing is left then
     * @throws InterruptedException when the calling thread is interrupted; nothing is left then
     */
    default Optional<Standby> prepare(MachineSpec spec) throws InterruptedException {
        return Optional.empty();
    }

    /**
     * Takes over a machine that an earlier process started, or adopted, and that nobody holds now. Its door is opened again at the
     * address and port at which the machine looks for it.
     *
     * @param spec as it was started; the same id and folder. The image need not be there any more
     * @param handle what {@link Machine#handle()} said
     * @param made what the ledger holds of it as not undone, the oldest first
     * @param ledger told of what is undone in the end
     * @param steps told of each step when it is done
     * @return the machine; empty when it does not run any more. Nothing has been undone then: the caller undoes what is in the ledger
     * @throws dev.sallyport.model.FailureException with the cause when it runs and cannot be taken over: its door's port is taken
     *     ({@code PORT_TAKEN}), it is in other hands or does not answer, the handle is not of this driver. It runs on, and nothing
     *     has been undone
     * @throws InterruptedException when the calling thread is interrupted; the machine runs on
     */
    Optional<Machine> adopt(
            MachineSpec spec, String handle, List<Resource> made, ResourceLedger ledger, StepListener steps)
            throws InterruptedException;

    /**
     * Everything that a machine could have left, known without a ledger: for folders that no row knows of. Undoing what is not there
     * is harmless.
     *
     * @param id the machine's id
     * @param directory the folder that it had; it need not be there
     * @return in the order in which it is to be undone
     */
    List<Resource> traces(MachineId id, Path directory);

    /**
     * Removes one thing that this driver made. Undoing what is not there is harmless; what is not ours is not touched.
     *
     * @return the errors met, none when it is gone
     */
    List<String> undo(Resource resource);
}
