package dev.sallyport.machine.qemu;

import dev.sallyport.machine.MachineDriver;
import dev.sallyport.model.Folders;
import java.util.function.Supplier;

/** The contract with QEMU's own network stack. */
public final class QemuUserNetworkTest extends QemuContract {
    /** Makes the driver. */
    public static final class Drivers implements Supplier<MachineDriver> {
        @Override
        public MachineDriver get() {
            return new QemuDriver(QemuOptions.defaults(Folders.ofThisProcess().cache())
                    .with(QemuOptions.Network.USER)
                    .with(QemuOptions.Accelerator.TCG));
        }
    }

    @Override
    protected Class<? extends Supplier<MachineDriver>> drivers() {
        return Drivers.class;
    }
}
