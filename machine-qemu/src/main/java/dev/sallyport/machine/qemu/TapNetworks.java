package dev.sallyport.machine.qemu;

import dev.sallyport.machine.Command;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Makes and removes TAP devices, and the {@link TapRules} that guard them: these are put right at each start before which any rule of
 * the host has changed, and go with the last device.
 */
final class TapNetworks {
    /** Kinds of {@link Resource} that are undone here. */
    static final String TABLE = "nft-table";

    static final String TAP = "tap";

    /** Why there can be no TAP device. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1L;

        RefusedException(String reason) {
            super(reason);
        }
    }

    /**
     * A device with its addresses.
     *
     * @param guard to be waited for before a machine on the device runs
     */
    record Device(String name, Inet4Address host, Inet4Address guest, Guard guard) {}

    /** What the names of all devices begin with. */
    static final String PREFIX = "spt";

    private static final Pattern DEVICE = Pattern.compile(PREFIX + "[a-z2-7]{12}");
    /**
     * The host's own address on each device. It is the same on all: a machine that begins from a template knows it already, and would
     * speak for half a minute to what the template's host had.
     */
    private static final String HOST_MAC = "02:53:00:00:00:01";

    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private final String driver;
    private final Subnet subnet;
    private final TapRules rules = new TapRules();

    TapNetworks(String driver, Subnet subnet) {
        this.driver = driver;
        this.subnet = subnet;
    }

    /** The name of a machine's device: three letters and the id's twelve are all that Linux allows. */
    static String deviceOf(MachineId id) {
        return PREFIX + id.value().substring(2);
    }

    /**
     * Makes the device, and has the table written that guards it and lets its machine through to the port of its gateway: that takes
     * longer than all the rest, and a hypervisor may start beside it. What {@link #things} says is to be written down before.
     *
     * @throws RefusedException with the reason when this program may not
     * @throws InterruptedException when the calling thread is interrupted
     */
    Device make(MachineId id) throws RefusedException, InterruptedException {
        Optional<String> lacking = lacking();
        if (lacking.isPresent()) {
            throw new RefusedException(lacking.get());
        }
        String name = deviceOf(id);
        try {
            return makeLocked(id, name);
        } catch (IOException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        }
    }

    /** What there must be before there can be a device, and is not. */
    static Optional<String> lacking() {
        Path tun = Path.of("/dev/net/tun");
        if (!Files.exists(tun)) {
            return Optional.of("there is no " + tun);
        }
        return Stream.of("ip", "nft")
                .filter(program -> Command.find(program).isEmpty())
                .map(program -> "the program '" + program + "' is not installed")
                .findFirst();
    }

    /** What {@link #make} makes for a machine, in that order. */
    List<Resource> things(MachineId id) {
        return List.of(new Resource(driver, TABLE, TapRules.TABLE), new Resource(driver, TAP, deviceOf(id)));
    }

    /** What {@link #make} could have left of a machine, in the order in which it is to be undone. */
    List<Resource> traces(MachineId id) {
        return lacking().isPresent() ? List.of() : things(id).reversed();
    }

    /**
     * Has the table put right for a device that was made a while ago.
     *
     * @throws RefusedException with the reason when this program may not
     * @throws InterruptedException when the calling thread is interrupted
     */
    Guard guard() throws RefusedException, InterruptedException {
        try {
            return Guard.of(rules, NetworkLock.hold());
        } catch (IOException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        }
    }

    private Device makeLocked(MachineId id, String name) throws IOException, RefusedException, InterruptedException {
        NetworkLock lock = NetworkLock.hold();
        Inet4Address host;
        Inet4Address guest;
        boolean made = false;
        try {
            int network = free(id);
            host = subnet.host(network);
            guest = subnet.guest(network);
            try {
                var tap = new TapDevice(name);
                tap.make();
                tap.setUp(HOST_MAC, host, guest, MachineNetwork.MAC);
            } catch (IOException e) {
                throw new RefusedException("the device cannot be made: " + e.getMessage());
            }
            made = true;
        } finally {
            if (!made) {
                lock.release();
            }
        }
        return new Device(name, host, guest, Guard.of(rules, lock));
    }

    /** Undoes one thing; see {@link dev.sallyport.machine.MachineDriver#undo}. */
    List<String> undo(Resource resource) throws InterruptedException {
        try {
            return switch (resource.kind()) {
                case TAP -> undoDevice(resource.name());
                case TABLE -> undoTable();
                default -> List.of("a " + resource.kind() + " is nothing of a network");
            };
        } catch (IOException e) {
            return List.of("undoing " + resource.kind() + " " + resource.name() + ": " + e.getMessage());
        }
    }

    private static List<String> undoDevice(String name) throws IOException, InterruptedException {
        if (!DEVICE.matcher(name).matches()) {
            return List.of("not a device of ours: " + name);
        }
        if (!exists(name)) {
            return List.of();
        }
        Command.Result result = Command.run(DEADLINE, "", List.of("ip", "link", "delete", "dev", name));
        return result.ok() || !exists(name) ? List.of() : List.of("device " + name + ": " + result.output());
    }

    private static List<String> undoTable() throws IOException, InterruptedException {
        // While a guard is being written, whoever had it written holds this.
        NetworkLock lock = NetworkLock.hold();
        try {
            return anyDevice() ? List.of() : TapRules.remove();
        } finally {
            lock.release();
        }
    }

    private static boolean exists(String device) {
        return Files.exists(Path.of("/sys/class/net", device));
    }

    private static boolean anyDevice() throws IOException {
        try (var devices = Files.newDirectoryStream(Path.of("/sys/class/net"), PREFIX + "*")) {
            for (Path device : devices) {
                if (DEVICE.matcher(device.getFileName().toString()).matches()) {
                    return true;
                }
            }
            return false;
        }
    }

    /** A network none of whose addresses the host has; where to begin to look is spread by the machine's id. */
    private int free(MachineId id) throws IOException, RefusedException {
        var taken = new BitSet(subnet.networks());
        for (NetworkInterface each : NetworkInterface.networkInterfaces().toList()) {
            for (InetAddress address : each.inetAddresses().toList()) {
                int network = subnet.networkOf(address);
                if (network >= 0) {
                    taken.set(network);
                }
            }
        }
        int first = Math.floorMod(id.value().hashCode(), subnet.networks());
        for (int i = 0; i < subnet.networks(); i++) {
            int network = (first + i) % subnet.networks();
            if (!taken.get(network)) {
                return network;
            }
        }
        throw new RefusedException("all " + subnet.networks() + " networks are taken");
    }
}
