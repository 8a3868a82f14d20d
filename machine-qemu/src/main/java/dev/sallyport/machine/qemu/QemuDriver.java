package dev.sallyport.machine.qemu;

import dev.sallyport.image.Layer;
import dev.sallyport.machine.Command;
import dev.sallyport.machine.FactsDisk;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.SpooledConsole;
import dev.sallyport.machine.StepListener;
import dev.sallyport.machine.WritableDisk;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Makes machines as microVMs of QEMU (seen with Debian's 7.2).
 *
 * <p>As root, QEMU opens what it needs and then becomes a common system user before the guest's first instruction. What is made
 * for a machine, as {@link Resource}s: {@code file} (absolute path), {@code process} (the marker in its environment, see
 * {@link ProcessIdentity}), and for a TAP network {@code nft-table}, {@code tap} (interface) and {@code nft-element}.
 */
public final class QemuDriver implements MachineDriver {
    static final String NAME = "qemu";
    static final String FILE = "file";
    static final String PROCESS = "process";

    private static final String CONSOLE_LOG = "console.log";
    private static final String WRITABLE_DISK = "writable.ext4";
    private static final String FACTS_DISK = "facts.raw";
    private static final String CONSOLE_SOCKET = "console.sock";
    private static final String MONITOR_SOCKET = "monitor.sock";
    private static final Set<String> FILES = Set.of(WRITABLE_DISK, FACTS_DISK, CONSOLE_SOCKET, MONITOR_SOCKET);

    /** {@code sun_path} of unix(7) has 108 bytes with its NUL. */
    private static final int MAX_SOCKET_PATH = 107;

    private static final int MIN_MEMORY_MIB = 64;
    private static final int MAX_MEMORY_MIB = 1 << 20;
    private static final int MAX_CPUS = 64;
    private static final Duration KILL = Duration.ofSeconds(10);

    private final QemuOptions options;
    private final boolean root;
    private final WritableDisk writableDisk;
    private final TapNetworks taps;
    private final KvmProbe kvm;

    /** @param options how machines are made */
    public QemuDriver(QemuOptions options) {
        this.options = options;
        this.root = isRoot();
        this.writableDisk = new WritableDisk(options.cache());
        this.taps = new TapNetworks(NAME, options.subnet());
        this.kvm = new KvmProbe(options, root ? options.user() : "", Path.of("/dev/kvm"));
    }

    @Override
    public String name() {
        return NAME;
    }

    /** The marker of a machine's processes. */
    static String marker(MachineSpec spec) {
        return NAME + "-" + spec.id();
    }

    @Override
    public Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException {
        var made = new MadeThings(ledger, this::undo);
        try {
            return new Start(spec, made, steps).run();
        } catch (IOException e) {
            List<String> left = made.undoAll();
            if (Thread.interrupted()) {
                // A channel's operation that is interrupted closes its channel and says so with an IOException.
                var interrupted = new InterruptedException("interrupted while starting " + spec.id());
                interrupted.initCause(e);
                throw interrupted;
            }
            boolean full = String.valueOf(e.getMessage()).contains("No space left on device");
            throw withLeft(
                    new FailureException(
                            Cause.of(
                                    full ? CauseCode.DISK_FULL : CauseCode.HYPERVISOR_FAILED,
                                    "Starting " + spec.id() + " failed.",
                                    e.toString()),
                            e),
                    left);
        } catch (InterruptedException e) {
            throw withLeft(e, made.undoAll());
        } catch (RuntimeException e) {
            throw withLeft(e, made.undoAll());
        }
    }

    @Override
    public Optional<Machine> adopt(
            MachineSpec spec, String handle, List<Resource> made, ResourceLedger ledger, StepListener steps) {
        throw new UnsupportedOperationException("not adopted yet");
    }

    @Override
    public List<Resource> traces(MachineId id, Path directory) {
        throw new UnsupportedOperationException("not told yet");
    }

    /** What could not be undone stays in the ledger; here it is said too. */
    private static <E extends Exception> E withLeft(E thrown, List<String> left) {
        left.forEach(error -> thrown.addSuppressed(new IllegalStateException(error)));
        return thrown;
    }

    @Override
    public List<String> undo(Resource resource) {
        if (!resource.driver().equals(NAME)) {
            return List.of("a resource of " + resource.driver() + " is not undone by " + NAME);
        }
        return uninterrupted(() -> switch (resource.kind()) {
            case PROCESS -> ProcessIdentity.killAll(resource.name(), KILL);
            case FILE -> undoFile(Path.of(resource.name()));
            default -> taps.undo(resource);
        });
    }

    private static List<String> undoFile(Path file) {
        if (!file.isAbsolute() || !FILES.contains(String.valueOf(file.getFileName()))) {
            return List.of("not a file of ours: " + file);
        }
        try {
            Files.deleteIfExists(file);
            return List.of();
        } catch (IOException e) {
            return List.of("file " + file + ": " + e);
        }
    }

    /** Undoing must not be cut short by an interrupt, which closes channels and breaks waits: so it has a thread that nobody interrupts. */
    private static List<String> uninterrupted(Callable<List<String>> work) {
        var task = new FutureTask<>(work);
        Thread.ofVirtual().name("undo").start(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    return List.of("undoing failed: " + e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Where a program lies.
     *
     * @param program a name or a path, see {@link Command#find}
     * @throws FailureException {@code HYPERVISOR_MISSING} when it is not there
     */
    static Path onPath(String program) {
        return Command.find(program)
                .orElseThrow(() -> FailureException.of(
                        CauseCode.HYPERVISOR_MISSING, "The program '" + program + "' is not installed."));
    }

    private static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException e) {
            throw new IllegalStateException("/proc is not mounted", e);
        }
    }

    /** One start: a list of steps, each timed. */
    private final class Start {
        private final MachineSpec spec;
        private final MadeThings made;
        private final StepListener steps;
        private long stepBegan = System.nanoTime();

        Start(MachineSpec spec, MadeThings made, StepListener steps) {
            this.spec = spec;
            this.made = made;
            this.steps = steps;
        }

        Machine run() throws IOException, InterruptedException {
            check();
            String user = user();
            boolean useKvm = accelerator();
            MachineNetwork network = network();
            Path facts = file(FACTS_DISK);
            Path writable = file(WRITABLE_DISK);
            disks(network, facts, writable);
            return hypervisor(user, useKvm, network, facts, writable);
        }

        private void done(String step, String text, Map<String, String> details) {
            long now = System.nanoTime();
            var all = new HashMap<>(details);
            all.put("ms", Long.toString(Duration.ofNanos(now - stepBegan).toMillis()));
            stepBegan = now;
            steps.done(step, text, all);
        }

        private Path file(String name) {
            return spec.directory().toAbsolutePath().normalize().resolve(name);
        }

        private void check() {
            onPath(options.binary());
            if (spec.memoryMib() < MIN_MEMORY_MIB || spec.memoryMib() > MAX_MEMORY_MIB) {
                throw FailureException.of(
                        CauseCode.BAD_REQUEST,
                        "A machine cannot have " + spec.memoryMib() + " MiB of memory: it takes " + MIN_MEMORY_MIB
                                + " to " + MAX_MEMORY_MIB + ".");
            }
            if (spec.cpus() < 1 || spec.cpus() > MAX_CPUS) {
                throw FailureException.of(
                        CauseCode.BAD_REQUEST,
                        "A machine cannot have " + spec.cpus() + " processors: it takes 1 to " + MAX_CPUS + ".");
            }
            present(spec.image().kernel(), CauseCode.IMAGE_MISSING, "kernel");
            present(spec.image().initramfs(), CauseCode.IMAGE_MISSING, "initramfs");
            for (Layer layer : spec.image().layers()) {
                present(layer.file(), CauseCode.LAYER_MISSING, "layer " + layer.name());
            }
            if (!Files.isDirectory(spec.directory())) {
                throw FailureException.of(
                        CauseCode.HYPERVISOR_FAILED, "The machine's folder " + spec.directory() + " is not there.");
            }
            int length = file(CONSOLE_SOCKET).toString().getBytes(StandardCharsets.UTF_8).length;
            if (length > MAX_SOCKET_PATH) {
                throw FailureException.of(
                        CauseCode.HYPERVISOR_FAILED,
                        "The machine's folder has too long a path: a socket in it would take " + length + " bytes, and "
                                + MAX_SOCKET_PATH + " are the most.");
            }
            done(
                    "image",
                    "The parts of image " + spec.image().id() + " are there.",
                    Map.of("image", spec.image().id()));
        }

        private void present(Path file, CauseCode code, String what) {
            if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
                throw FailureException.of(
                        code,
                        "The " + what + " of image " + spec.image().id() + " is not there.",
                        file + " cannot be read");
            }
        }

        /** Whom QEMU becomes. */
        private String user() throws IOException {
            if (!root) {
                return "";
            }
            try {
                spec.directory().getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(options.user());
                return options.user();
            } catch (UserPrincipalNotFoundException e) {
                throw new FailureException(
                        Cause.of(
                                CauseCode.HYPERVISOR_MISSING,
                                "There is no system user '" + options.user() + "', as which machines run.",
                                "adduser --system --group --no-create-home --home /nonexistent " + options.user()),
                        e);
            }
        }

        private boolean accelerator() throws IOException, InterruptedException {
            if (options.accelerator() == QemuOptions.Accelerator.TCG) {
                done("accelerator", "Emulation, as demanded.", Map.of("accelerator", "tcg"));
                return false;
            }
            KvmProbe.Verdict verdict = kvm.check(
                    spec.image().kernel(),
                    spec.image().initramfs(),
                    spec.directory(),
                    NAME,
                    marker(spec) + "-probe",
                    made);
            if (!verdict.usable() && options.accelerator() == QemuOptions.Accelerator.KVM) {
                throw FailureException.of(CauseCode.KVM_REFUSED, "Reason: " + verdict.reason() + ".", verdict.reason());
            }
            String name = verdict.usable() ? "kvm" : "tcg";
            done(
                    "accelerator",
                    verdict.usable() ? "KVM." : "Emulation: no guest comes up under KVM here.",
                    Map.of("accelerator", name, "reason", verdict.reason()));
            return verdict.usable();
        }

        private MachineNetwork network() throws InterruptedException {
            String refusal = "";
            if (options.network() != QemuOptions.Network.USER) {
                try {
                    if (!root) {
                        throw new TapNetworks.RefusedException("only root may make TAP devices and rules");
                    }
                    TapNetworks.Device device = taps.make(spec.id(), made);
                    TapNetwork network = taps.open(device, door(device.host(), MachineNetwork.DOOR_PORT), made);
                    done("network", network.text(), network.details());
                    return network;
                } catch (TapNetworks.RefusedException e) {
                    refusal = String.valueOf(e.getMessage());
                    if (options.network() == QemuOptions.Network.TAP) {
                        throw new FailureException(
                                Cause.of(CauseCode.TAP_REFUSED, "Reason: " + refusal + ".", refusal), e);
                    }
                    made.undoIf(resource -> resource.kind().equals(TapNetworks.TAP)
                            || resource.kind().equals(TapNetworks.TABLE)
                            || resource.kind().equals(TapNetworks.ELEMENT));
                }
            }
            onPath("socat");
            var network = new UserNetwork(door(InetAddress.ofLiteral("127.0.0.1"), 0));
            var details = new HashMap<>(network.details());
            String why = "";
            if (!refusal.isEmpty()) {
                details.put("reason", refusal);
                why = " TAP was not taken: " + refusal + ".";
            }
            done("network", network.text() + why, details);
            return network;
        }

        private InetSocketAddress door(InetAddress address, int port) {
            try {
                return spec.egress().open(address, port);
            } catch (IOException e) {
                throw new FailureException(
                        Cause.of(
                                CauseCode.PORT_TAKEN,
                                "The egress gateway cannot listen on " + address.getHostAddress() + " port " + port
                                        + ".",
                                e.toString()),
                        e);
            }
        }

        private void disks(MachineNetwork network, Path facts, Path writable) throws IOException, InterruptedException {
            var content = new HashMap<>(spec.facts());
            content.put("machine_id", spec.id().value());
            content.put("vm_type", spec.type().wire());
            content.put(
                    "layers",
                    String.join(
                            ",",
                            spec.image().layers().stream()
                                    .map(layer -> layer.uuid().toString())
                                    .toList()));
            content.put("address", network.address());
            content.put("proxy", network.proxy());
            content.putIfAbsent("hostname", spec.type().wire());
            content.put("time", Long.toString(Instant.now().getEpochSecond()));
            made.intend(new Resource(NAME, FILE, facts.toString()));
            FactsDisk.write(facts, content);
            made.intend(new Resource(NAME, FILE, writable.toString()));
            writableDisk.make(writable, spec.diskBytes());
            done("disk", "Its disks are made.", Map.of("writable", Long.toString(spec.diskBytes())));
        }

        private Machine hypervisor(String user, boolean useKvm, MachineNetwork network, Path facts, Path writable)
                throws IOException, InterruptedException {
            var events = new QemuMachine.Events();
            var console = new SpooledConsole(file(CONSOLE_LOG));
            QmpClient qmp = null;
            boolean up = false;
            try (ServerSocketChannel consoleDoor = listen(file(CONSOLE_SOCKET));
                    ServerSocketChannel monitorDoor = listen(file(MONITOR_SOCKET))) {
                made.intend(new Resource(NAME, PROCESS, marker(spec)));
                Hypervisor process = Hypervisor.start(
                        arguments(user, useKvm, network, facts, writable), spec.directory(), marker(spec));
                long deadline = System.nanoTime() + options.startDeadline().toNanos();
                SocketChannel consoleChannel = accept(consoleDoor, process, deadline);
                Thread.ofVirtual().name("console of " + spec.id()).start(() -> console.pump(consoleChannel));
                qmp = new QmpClient(accept(monitorDoor, process, deadline), events::accept);
                MachineNetwork.Ports ports;
                try {
                    qmp.negotiate(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
                    ports = network.ports(qmp);
                } catch (IOException e) {
                    throw failed(process, e);
                }
                // Connected: nobody else is to connect, or to find their names.
                made.undoIf(resource -> resource.name().endsWith(".sock"));
                var machine = new QemuMachine(spec, ports, process, console, qmp, events, made);
                up = true;
                done(
                        "hypervisor",
                        "QEMU runs the machine.",
                        Map.of(
                                "accelerator", useKvm ? "kvm" : "tcg",
                                "board", options.board().name().toLowerCase(Locale.ROOT),
                                "agent", text(ports.agent()),
                                "memoryMib", Integer.toString(spec.memoryMib())));
                return machine;
            } finally {
                if (!up) {
                    if (qmp != null) {
                        qmp.close();
                    }
                    console.close();
                }
            }
        }

        private static String text(InetSocketAddress address) {
            return address.getAddress().getHostAddress() + ":" + address.getPort();
        }

        private List<String> arguments(String user, boolean useKvm, MachineNetwork network, Path facts, Path writable)
                throws IOException {
            int translationMib = spec.type() == VmType.BROWSER ? 256 : 64;
            OptionalLong tscKhz = useKvm ? OptionalLong.empty() : HostCpu.tscKhz();
            var qemu = new QemuArguments(options, useKvm, spec.memoryMib(), spec.cpus(), translationMib)
                    .boot(
                            spec.image().kernel(),
                            spec.image().initramfs(),
                            spec.image().kernelArguments(),
                            tscKhz,
                            List.of())
                    .console(CONSOLE_SOCKET)
                    .monitor(MONITOR_SOCKET)
                    .entropy()
                    .network(network.arguments(), mac())
                    .disk("facts", facts, true)
                    .disk("writable", writable, false);
            int number = 0;
            for (Layer layer : spec.image().layers()) {
                qemu.disk("layer" + number++, layer.file().toAbsolutePath(), true);
            }
            var all = new ArrayList<String>();
            if (network.spawns()) {
                // Orphans of QEMU, one a connection, go to the next process that asks for them; where the first process
                // of
                // a container does not wait for them they would stay zombies for ever.
                Command.find("tini").ifPresent(tini -> all.addAll(List.of(tini.toString(), "-s", "--")));
            }
            all.addAll(qemu.confined(user, network.spawns()).toList());
            return all;
        }

        /** An address of our own making (the second bit), the same each time for the same machine. */
        private String mac() {
            int hash = spec.id().value().hashCode();
            return String.format(
                    "02:53:%02x:%02x:%02x:%02x", hash >>> 24, hash >> 16 & 0xff, hash >> 8 & 0xff, hash & 0xff);
        }

        private ServerSocketChannel listen(Path socket) throws IOException {
            made.intend(new Resource(NAME, FILE, socket.toString()));
            ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                return channel.bind(UnixDomainSocketAddress.of(socket));
            } catch (IOException e) {
                channel.close();
                throw e;
            }
        }

        /** QEMU's connection, or a failure as soon as QEMU has ended without it. */
        private SocketChannel accept(ServerSocketChannel door, Hypervisor process, long deadline)
                throws IOException, InterruptedException {
            var accepted = new CompletableFuture<SocketChannel>();
            Thread.ofVirtual().name("accept").start(() -> {
                try {
                    accepted.complete(door.accept());
                } catch (IOException e) {
                    accepted.completeExceptionally(e);
                }
            });
            CompletableFuture<Integer> exit = process.exit();
            try {
                CompletableFuture.anyOf(accepted, exit)
                        .get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
                if (accepted.isDone()) {
                    return accepted.get();
                }
                throw failed(process, null);
            } catch (ExecutionException e) {
                throw new IOException("waiting for QEMU's connection failed", e.getCause());
            } catch (TimeoutException e) {
                throw new FailureException(
                        new Cause(
                                CauseCode.HYPERVISOR_FAILED,
                                "QEMU did not come up in "
                                        + options.startDeadline().toMillis() + " ms.",
                                process.lastLines()),
                        e);
            }
        }

        /** Names why QEMU ended, by its own words. */
        private FailureException failed(Hypervisor process, @Nullable IOException thrown) throws InterruptedException {
            String code = "it still runs";
            try {
                code = "exit code " + process.exit().get(3, TimeUnit.SECONDS);
                process.awaitOutput(Duration.ofSeconds(1));
            } catch (TimeoutException e) {
                code = "it still runs and does not answer";
            } catch (ExecutionException e) {
                throw new IllegalStateException("a process's end cannot fail", e);
            }
            var evidence = new ArrayList<>(process.lastLines());
            if (thrown != null) {
                evidence.add(thrown.getMessage());
            }
            String words = String.join("\n", evidence);
            CauseCode cause = CauseCode.HYPERVISOR_FAILED;
            if (words.contains("No space left on device")) {
                cause = CauseCode.DISK_FULL;
            } else if (words.contains("/dev/net/tun")) {
                cause = CauseCode.TAP_REFUSED;
            } else if (words.contains("KVM kernel module") || words.contains("failed to initialize kvm")) {
                cause = CauseCode.KVM_REFUSED;
            }
            var failure = new Cause(cause, "QEMU could not start the machine (" + code + ").", evidence);
            return thrown == null ? new FailureException(failure) : new FailureException(failure, thrown);
        }
    }
}
