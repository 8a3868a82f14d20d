package dev.sallyport.machine.qemu;

import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.Standby;
import dev.sallyport.machine.StepListener;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A QEMU that has a template's state, and whose guest stands still. */
final class QemuStandby implements Standby {
    private static final Logger LOG = LoggerFactory.getLogger(QemuStandby.class);

    /** The second part of a start; nothing that it wrote down itself is left when it throws. */
    interface Rest {
        Machine start(QemuStart.Prepared prepared, MachineSpec spec, ResourceLedger ledger, StepListener steps)
                throws InterruptedException;
    }

    private final MachineId id;
    private final QemuStart.Prepared prepared;
    private final MadeThings made;
    private final Rest rest;
    private final AtomicBoolean used = new AtomicBoolean();

    QemuStandby(MachineId id, QemuStart.Prepared prepared, MadeThings made, Rest rest) {
        this.id = id;
        this.prepared = prepared;
        this.made = made;
        this.rest = rest;
    }

    @Override
    public MachineId id() {
        return id;
    }

    @Override
    public CompletableFuture<?> ended() {
        return prepared.launch().exit();
    }

    @Override
    public Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException {
        if (!used.compareAndSet(false, true)) {
            throw new IllegalStateException(id + " was started or closed before");
        }
        boolean up = false;
        try {
            Machine machine = rest.start(prepared, spec, ledger, steps);
            up = true;
            return machine;
        } finally {
            if (!up) {
                undo();
            }
        }
    }

    @Override
    public void close() {
        if (used.compareAndSet(false, true)) {
            undo();
        }
    }

    private void undo() {
        try {
            prepared.launch().close();
        } catch (IOException e) {
            LOG.debug("The console of {} could not be closed", id, e); // Its process ends all the same.
        }
        List<String> errors = made.undoAll();
        if (!errors.isEmpty()) {
            LOG.warn("Of the standby {} is left: {}", id, errors);
        }
    }
}
