package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.machine.ContractGuest;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.model.Folders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

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

    @Test
    void nothingIsForwardedEvenWhereTheHostForwards() throws Exception {
        MachineSpec first = spec(Map.of());
        MachineSpec second = spec(Map.of());
        Machine one = ready(first);
        Machine two = ready(second);
        for (MachineSpec spec : List.of(first, second)) {
            Files.writeString(Path.of("/proc/sys/net/ipv4/conf", TapNetworks.deviceOf(spec.id()), "forwarding"), "1");
        }
        String route =
                "ip route add default via $(sed -n 's/^proxy=\\(.*\\):.*/\\1/p' /run/sallyport/facts); ip route\n";
        assertThat(ContractGuest.run(two, route)).contains("default via");
        String said = ContractGuest.run(
                one,
                route + "nc -w 5 " + two.agent().getAddress().getHostAddress()
                        + " 8080 </dev/null >/dev/null 2>&1 && echo OPEN || echo CLOSED\n");
        assertThat(said).contains("default via", "CLOSED").doesNotContain("OPEN");
    }

    @Override
    protected Class<? extends Supplier<MachineDriver>> drivers() {
        return Drivers.class;
    }
}
