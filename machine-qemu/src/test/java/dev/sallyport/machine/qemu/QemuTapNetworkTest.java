package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.machine.ContractGuest;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.RecordingLedger;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.Standby;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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

    @Test
    void aHypervisorWaitsAndBecomesTheMachineThatItIsStartedAs() throws Exception {
        MachineSpec spec = clone(template());
        Standby standby = driver().prepare(spec).orElseThrow();
        assertThat(standby.id()).isEqualTo(spec.id());
        assertThat(left(spec)).as("a process, a device, files").hasSizeGreaterThan(5);
        assertThat(standby.ended()).isNotDone();

        var ledger = new RecordingLedger(resource -> {});
        Machine machine = standby.start(spec, ledger, (step, text, details) -> {});
        machines.add(machine);
        readiness(machine);
        assertThat(ContractGuest.run(machine, "cat /run/sallyport/facts /run/mark"))
                .contains("machine_id=" + spec.id(), "in memory");
        assertThat(ledger.toUndo()).as("all of it is written down").isNotEmpty();
        standby.close();
        readiness(machine);
        assertThat(machine.destroy()).isEmpty();
        assertThat(left(spec)).isEmpty();
        assertThat(ledger.toUndo()).isEmpty();
    }

    @Test
    void aHypervisorThatWaitsInVainLeavesNothing() throws Exception {
        Path template = template();
        MachineSpec closed = clone(template);
        Standby standby = driver().prepare(closed).orElseThrow();
        standby.close();
        standby.close();
        assertThat(left(closed)).isEmpty();
        assertThatThrownBy(() -> standby.start(closed, ResourceLedger.NONE, (step, text, details) -> {}))
                .isInstanceOf(IllegalStateException.class);

        MachineSpec killed = clone(template);
        Standby dead = driver().prepare(killed).orElseThrow();
        killHypervisor(killed);
        dead.ended().get(END.toMillis(), TimeUnit.MILLISECONDS);
        boolean seen = dead.ended().isDone();
        assertThat(seen).as("who looks now and then sees it at once").isTrue();
        var ledger = new RecordingLedger(resource -> {});
        assertThatThrownBy(() -> dead.start(killed, ledger, (step, text, details) -> {}))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.reason().code()).isEqualTo(CauseCode.HYPERVISOR_FAILED));
        assertThat(left(killed)).isEmpty();
        assertThat(ledger.toUndo()).isEmpty();

        MachineSpec orphan = clone(template);
        assertThat(driver().prepare(orphan)).isPresent();
        driver().traces(orphan.id(), orphan.directory()).forEach(driver()::undo);
        assertThat(left(orphan))
                .as("who was killed leaves what is found by its folder")
                .isEmpty();

        MachineSpec spoilt = clone(template);
        Standby late = driver().prepare(spoilt).orElseThrow();
        Files.setLastModifiedTime(template.resolve(QemuTemplate.STATE), FileTime.fromMillis(0));
        assertThatThrownBy(() -> late.start(spoilt, ResourceLedger.NONE, (step, text, details) -> {}))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.reason().code()).isEqualTo(CauseCode.TEMPLATE_UNUSABLE));
        assertThat(left(spoilt)).isEmpty();
    }

    @Override
    protected Class<? extends Supplier<MachineDriver>> drivers() {
        return Drivers.class;
    }
}
