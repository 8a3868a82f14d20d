package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.machine.Command;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.MachineId;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Devices and rules on this host's own kernel. */
@Timeout(60)
class TapNetworksTest {
    private final TapNetworks networks = new TapNetworks("test", Subnet.parse("10.214.0.0/24"));
    private final List<MachineId> made = new ArrayList<>();

    @BeforeAll
    static void mayMakeDevices() {
        Assumptions.assumeTrue(
                System.getProperty("user.name").equals("root")
                        && TapNetworks.lacking().isEmpty(),
                "TAP devices are made by root alone, where there are /dev/net/tun, ip and nft");
    }

    @AfterEach
    void undo() throws Exception {
        for (MachineId id : made) {
            for (var thing : networks.things(id).reversed()) {
                assertThat(networks.undo(thing)).isEmpty();
            }
            assertThat(NetworkInterface.getByName(TapNetworks.deviceOf(id))).isNull();
        }
    }

    private TapNetworks.Device make() throws Exception {
        MachineId id = MachineId.random();
        made.add(id);
        TapNetworks.Device device = networks.make(id);
        device.guard().await();
        return device;
    }

    @Test
    void aDeviceIsAsItIsToBe() throws Exception {
        TapNetworks.Device device = make();
        var seen = NetworkInterface.getByName(device.name());
        assertThat(seen.isUp()).isTrue();
        assertThat(seen.getHardwareAddress()).containsExactly(2, 0x53, 0, 0, 0, 1);
        assertThat(seen.getInterfaceAddresses())
                .as("one address of a network of four, and none of IPv6")
                .singleElement()
                .satisfies(address -> {
                    assertThat(address.getAddress()).isEqualTo(device.host());
                    assertThat(address.getNetworkPrefixLength()).isEqualTo((short) 30);
                });
        assertThat(run("ip", "neigh", "show", "dev", device.name()))
                .contains(device.guest().getHostAddress(), MachineNetwork.MAC, "PERMANENT");
        assertThat(run("ip", "route", "show", "dev", device.name()).lines()).hasSize(1);
        assertThat(run("ip", "tuntap", "show")).contains(device.name() + ": tap persist user 0");
        Path settings = Path.of("/proc/sys/net/ipv4/conf", device.name());
        assertThat(Files.readString(settings.resolve("forwarding")).strip()).isEqualTo("0");
        assertThat(Files.readString(settings.resolve("rp_filter")).strip()).isEqualTo("1");
        assertThat(Files.readString(settings.resolve("arp_ignore")).strip()).isEqualTo("1");
    }

    @Test
    void noTwoHaveTheSameAddress() throws Exception {
        TapNetworks.Device first = make();
        TapNetworks.Device second = make();
        assertThat(second.host()).isNotEqualTo(first.host());
        assertThat(second.guest()).isNotEqualTo(first.guest());
    }

    @Test
    void rulesThatSomebodyChangedArePutRightBeforeTheNextDevice() throws Exception {
        make();
        String right = QemuContract.rules();
        assertThat(right).contains("table inet sallyport", "jump from_machine");
        make();
        assertThat(QemuContract.rules()).as("nothing was to be done").isEqualTo(right);

        run("nft", "flush", "chain", "inet", "sallyport", "input");
        assertThat(QemuContract.rules()).doesNotContain("jump from_machine");
        make();
        assertThat(QemuContract.rules()).isEqualTo(right);

        run("nft", "delete", "table", "inet", "sallyport");
        make();
        assertThat(QemuContract.rules()).isEqualTo(right);
    }

    @Test
    void nobodyComesBetweenWhileTheRulesAreWritten() throws Exception {
        Guard guard = Guard.beside(new TapRules(), NetworkLock.hold());
        NetworkLock next = NetworkLock.hold();
        try {
            assertThat(QemuContract.rules()).contains("jump from_machine");
            guard.await();
        } finally {
            next.release();
            assertThat(networks.undo(new Resource("test", TapNetworks.TABLE, TapRules.TABLE)))
                    .isEmpty();
        }
    }

    @Test
    void anyChangeOfRulesIsAnotherGeneration() throws Exception {
        var generation = new RulesGeneration();
        long before = generation.now().orElseThrow();
        assertThat(generation.now()).hasValue(before);
        run("nft", "add", "table", "inet", "sallyport_test");
        run("nft", "delete", "table", "inet", "sallyport_test");
        assertThat(generation.now().orElseThrow()).isEqualTo(before + 2);
    }

    private static String run(String... command) throws Exception {
        Command.Result result = Command.run(Duration.ofSeconds(10), "", List.of(command));
        assertThat(result.ok()).as(result.output()).isTrue();
        return result.output();
    }
}
