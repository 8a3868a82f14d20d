package dev.sallyport.controller.pool;

import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.Standby;
import dev.sallyport.machine.StepListener;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import java.util.concurrent.CompletableFuture;

/** A hypervisor of nothing, which waits. */
public final class FakeStandby implements Standby {
    private final FakeDriver driver;
    private final MachineId id;
    private final Runnable undo;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    /** Whether it cannot be started, though nothing tells of it. */
    public volatile boolean broken;

    public volatile boolean started;
    public volatile boolean closed;

    FakeStandby(FakeDriver driver, MachineId id, Runnable undo) {
        this.driver = driver;
        this.id = id;
        this.undo = undo;
    }

    /** It ends as if somebody had killed it. */
    public void die() {
        ended.complete(null);
    }

    @Override
    public MachineId id() {
        return id;
    }

    @Override
    public CompletableFuture<?> ended() {
        return ended;
    }

    @Override
    public Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException {
        undo.run();
        if (broken) {
            throw FailureException.of(CauseCode.HYPERVISOR_FAILED, "It was killed.");
        }
        started = true;
        return driver.start(spec, ledger, steps);
    }

    @Override
    public void close() {
        if (!started) {
            closed = true;
            undo.run();
        }
    }
}
