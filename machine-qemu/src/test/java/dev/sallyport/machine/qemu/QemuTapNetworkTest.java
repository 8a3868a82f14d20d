package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.machine.MachineDriver;
import dev.sallyport.model.Folders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;

/** The contract with TAP devices. */
public final class QemuTapNetworkTest extends QemuContract {
    /** Makes the driver. */
    public static final class Drivers implements Supplier<MachineDriver> {
        @Override
        public MachineDriver get() {
            return new QemuDriver(QemuOptions.defaults(Folders.ofThisProcess().cache())
                    .with(QemuOptions.Network.TAP)
                    .with(QemuOptions.Accelerator.TCG));
        }
    }

    @BeforeAll
    static void mayMakeDevices() {
        Assumptions.assumeTrue(
                System.getProperty("user.name").equals("root") && Files.isWritable(Path.of("/dev/net/tun")),
                "TAP devices are made by root alone, where there is /dev/net/tun");
    }

    @AfterAll
    static void theTableGoesWithTheLastMachine() {
        if (Files.isWritable(Path.of("/dev/net/tun"))) {
            assertThat(QemuContract.rules()).doesNotContain("sallyport");
        }
    }

    @Override
    protected Class<? extends Supplier<MachineDriver>> drivers() {
        return Drivers.class;
    }
}
