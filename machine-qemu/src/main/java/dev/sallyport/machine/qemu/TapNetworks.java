package dev.sallyport.machine.qemu;

import dev.sallyport.machine.Command;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Makes and removes TAP devices and the rules that guard them: one nft table of ours, {@code inet sallyport}, whose chains say
 * of every interface {@code spt*} that its machine may talk to that interface's own address at the gateway's port (nft(8), "FIB
 * EXPRESSIONS") and answer connections of the host to the agent's ports, and nothing else; nothing is forwarded to or from it. It is
 * the same table however many devices there are, is put right at each start before which any rule of the host has changed, and goes
 * with the last device.
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

    /** A device with its addresses. */
    record Device(String name, Inet4Address host, Inet4Address guest) {}

    private static final String TABLE_NAME = "inet sallyport";
    private static final String PREFIX = "spt";
    private static final Pattern DEVICE = Pattern.compile(PREFIX + "[a-z2-7]{12}");
    /**
     * The host's own address on each device. It is the same on all: a machine that begins from a template knows it already, and would
     * speak for half a minute to what the template's host had.
     */
    private static final String HOST_MAC = "02:53:00:00:00:01";

    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final Path LOCK_FILE = Path.of("/run/lock/sallyport-network.lock");

    /**
     * Devices, addresses and the table are the whole host's, so the lock is too: this one among the threads of this process
     * (a process cannot hold a file's lock twice), the file's among processes.
     */
    private static final ReentrantLock IN_THIS_PROCESS = new ReentrantLock();

    private final String driver;
    private final Subnet subnet;
    private final RulesGeneration generation = new RulesGeneration();
    /** When the rules were right. Guarded by {@link #IN_THIS_PROCESS}. */
    private OptionalLong guarded = OptionalLong.empty();

    TapNetworks(String driver, Subnet subnet) {
        this.driver = driver;
        this.subnet = subnet;
    }

    /** The name of a machine's device: three letters and the id's twelve are all that Linux allows. */
    static String deviceOf(MachineId id) {
        return PREFIX + id.value().substring(2);
    }

    /**
     * Makes the device, and the table that guards it and lets its machine through to the port of its gateway. What {@link #things}
     * says is to be written down before.
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
        return List.of(new Resource(driver, TABLE, TABLE_NAME), new Resource(driver, TAP, deviceOf(id)));
    }

    /** What {@link #make} could have left of a machine, in the order in which it is to be undone. */
    List<Resource> traces(MachineId id) {
        return lacking().isPresent() ? List.of() : things(id).reversed();
    }

    private Device makeLocked(MachineId id, String name) throws IOException, RefusedException, InterruptedException {
        Held held = hold();
        try {
            int network = free(id);
            var device = new Device(name, subnet.host(network), subnet.guest(network));
            // Nothing is attached to the device before both are done: none speaks for a moment that is not guarded.
            guard();
            try {
                var tap = new TapDevice(name);
                tap.make();
                tap.setUp(HOST_MAC, device.host(), device.guest(), MachineNetwork.MAC);
            } catch (IOException e) {
                throw new RefusedException("the device cannot be made: " + e.getMessage());
            }
            return device;
        } finally {
            held.release();
        }
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
        Held held = hold();
        try {
            if (anyDevice()) {
                return List.of();
            }
            Command.Result result =
                    Command.run(DEADLINE, "delete table " + TABLE_NAME + "\n", List.of("nft", "-f", "-"));
            boolean gone = result.ok() || result.output().contains("No such file or directory");
            return gone ? List.of() : List.of("nft table: " + result.output());
        } finally {
            held.release();
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

    /** Puts the rules right, unless no rule of the host has changed since this did last. Called with the lock held. */
    private void guard() throws IOException, InterruptedException, RefusedException {
        OptionalLong before = generation.now();
        if (before.isPresent() && before.equals(guarded)) {
            return;
        }
        guarded = OptionalLong.empty();
        refuse("nft", Command.run(DEADLINE, rules(), List.of("nft", "-f", "-")));
        OptionalLong after = generation.now();
        // Two further than before, it would not be known whether the other change came first.
        if (before.isPresent() && after.isPresent() && after.getAsLong() == before.getAsLong() + 1) {
            guarded = after;
        }
    }

    /** One transaction that leaves the table as it should be, whatever it was, without a moment between. */
    private static String rules() {
        return """
                add table inet sallyport
                add chain inet sallyport from_machine
                add chain inet sallyport input { type filter hook input priority -10; policy accept; }
                add chain inet sallyport forward { type filter hook forward priority -10; policy accept; }
                flush chain inet sallyport from_machine
                flush chain inet sallyport input
                flush chain inet sallyport forward
                add rule inet sallyport from_machine fib daddr . iif type local tcp dport %d accept
                add rule inet sallyport from_machine ct state established ct direction reply tcp sport { %d, %d } accept
                add rule inet sallyport from_machine counter drop
                add rule inet sallyport input iifname "%s*" jump from_machine
                add rule inet sallyport forward iifname "%s*" counter drop
                add rule inet sallyport forward oifname "%s*" counter drop
                """.formatted(
                        MachineNetwork.DOOR_PORT,
                        MachineNetwork.AGENT_PORT,
                        MachineNetwork.STREAM_PORT,
                        PREFIX,
                        PREFIX,
                        PREFIX);
    }

    private static void refuse(String program, Command.Result result) throws RefusedException {
        if (!result.ok()) {
            throw new RefusedException(
                    program + " says: " + String.join(" ", result.lastLines()).strip());
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

    /** The lock on the host's devices and rules. */
    private record Held(FileChannel channel, FileLock lock) {
        void release() throws IOException {
            try (channel) {
                lock.release();
            } finally {
                IN_THIS_PROCESS.unlock();
            }
        }
    }

    private static Held hold() throws IOException, InterruptedException {
        IN_THIS_PROCESS.lockInterruptibly();
        try {
            Files.createDirectories(LOCK_FILE.getParent());
            FileChannel channel = FileChannel.open(LOCK_FILE, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            return new Held(channel, channel.lock());
        } catch (IOException | RuntimeException e) {
            IN_THIS_PROCESS.unlock();
            throw e;
        }
    }
}
