package dev.sallyport.bench.simulated;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.image.Image;
import dev.sallyport.machine.EgressDoor;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.RecordingLedger;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code MachineDriverContract} asks of every driver, as far as it needs no guest. */
final class SimulatedDriverTest {
    private static final MachineId ID = new MachineId("m-abcdefghijkl");
    private static final EgressDoor DOOR = InetSocketAddress::new;

    @TempDir
    private Path folder;

    private MachineAddresses addresses;
    private SimulatedDriver driver;

    @BeforeEach
    void open() {
        addresses = MachineAddresses.in(folder.resolve("addresses"));
        driver = new SimulatedDriver(addresses, 8080);
    }

    @Test
    void everythingIsWrittenDownBeforeItIsMadeAndStruckOutWhenItIsGone() throws Exception {
        var madeBefore = new ArrayList<Integer>();
        var ledger = new RecordingLedger(resource -> madeBefore.add(driver.things()));
        Machine machine = driver.start(spec(DOOR), ledger, (step, text, details) -> {});
        assertThat(madeBefore).as("six together, then one").containsExactly(0, 0, 0, 0, 0, 0, 6);
        assertThat(driver.things()).isEqualTo(7);
        assertThat(ledger.toUndo()).hasSize(7);

        assertThat(machine.destroy()).isEmpty();
        assertThat(machine.destroy()).isEmpty();
        assertThat(driver.things()).isZero();
        assertThat(ledger.toUndo()).isEmpty();
    }

    @Test
    void whatAKilledControllerLeftIsUndoneFromTheLedgerAlone() throws Exception {
        var ledger = new RecordingLedger(resource -> {});
        driver.start(spec(DOOR), ledger, (step, text, details) -> {});
        for (Resource left : ledger.toUndo()) {
            assertThat(driver.undo(left)).isEmpty();
            assertThat(driver.undo(left)).isEmpty();
        }
        assertThat(driver.things()).isZero();
        assertThat(driver.undo(new Resource("qemu", "file", "/etc/passwd"))).hasSize(1);
    }

    @Test
    void aMachineRunsUntilItIsDestroyedAndItsAddressIsThenNobodys() throws Exception {
        Machine machine = driver.start(spec(DOOR), new RecordingLedger(resource -> {}), (step, text, details) -> {});
        assertThat(machine.exit()).isEmpty();
        assertThat(machine.awaitExit(Duration.ZERO)).isEmpty();
        assertThat(addresses.at(machine.agent().getAddress())).contains(ID);
        assertThat(machine.agent().getAddress().isLoopbackAddress()).isTrue();
        assertThat(machine.console().lastLines(1)).containsExactly("simulated: the agent is up");

        machine.destroy();
        assertThat(machine.awaitExit(Duration.ZERO)).map(MachineExit::kind).contains(MachineExit.Kind.DESTROYED);
        assertThat(addresses.at(machine.agent().getAddress())).isEmpty();
    }

    @Test
    void aStartThatFailsLeavesNothing() {
        var ledger = new RecordingLedger(resource -> {});
        EgressDoor shut = (address, port) -> {
            throw new IOException("no door");
        };
        assertThatThrownBy(() -> driver.start(spec(shut), ledger, (step, text, details) -> {}))
                .isInstanceOf(FailureException.class);
        assertThat(ledger.toUndo()).isEmpty();
        assertThat(driver.things()).isZero();
    }

    private MachineSpec spec(EgressDoor door) {
        var image = new Image("", "cli", Instant.EPOCH, folder, folder, List.of(), List.of());
        return new MachineSpec(ID, VmType.CLI, image, 256, 1, 1, folder, Map.of(), door);
    }
}
