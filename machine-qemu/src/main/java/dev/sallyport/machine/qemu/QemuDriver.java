package dev.sallyport.machine.qemu;

import dev.sallyport.image.Failures;
import dev.sallyport.machine.Command;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.Standby;
import dev.sallyport.machine.StepListener;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.machine.WritableDisk;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

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

    private static final Duration KILL = Duration.ofSeconds(10);

    private final boolean root;
    private final TapNetworks taps;
    private final QemuStart.Tools tools;
    private final QemuKeys keys;

    /** @param options how machines are made */
    public QemuDriver(QemuOptions options) {
        this.root = isRoot();
        this.taps = new TapNetworks(NAME, options.subnet());
        this.tools = new QemuStart.Tools(
                options,
                root,
                new WritableDisk(options.cache()),
                taps,
                new KvmProbe(options, root ? options.user() : "", Path.of("/dev/kvm")));
        this.keys = new QemuKeys(tools);
    }

    @Override
    public String name() {
        return NAME;
    }

    /** The marker of a machine's processes. */
    static String marker(MachineId id) {
        return NAME + "-" + id;
    }

    /** The marker of the process that tries KVM out before a machine is started. */
    static String probeMarker(MachineId id) {
        return marker(id) + "-probe";
    }

    @Override
    public Optional<TemplateKey> templateKey(MachineSpec spec) throws InterruptedException {
        return Optional.of(keys.of(spec));
    }

    @Override
    public Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException {
        var made = new MadeThings(ledger, this::undo);
        return whole(spec.id(), made, () -> new QemuStart(tools, keys, spec, made, new Steps(steps)).run());
    }

    @Override
    public Optional<Standby> prepare(MachineSpec spec) throws InterruptedException {
        if (!root || tools.options().network() == QemuOptions.Network.USER) {
            return Optional.empty(); // A network without a device has its door among its hypervisor's arguments.
        }
        var made = new MadeThings(ResourceLedger.NONE, this::undo);
        QemuStart.Prepared prepared = whole(
                spec.id(),
                made,
                () -> new QemuStart(tools, keys, spec, made, new Steps((step, text, details) -> {})).prepare());
        return Optional.of(new QemuStandby(spec.id(), prepared, made, this::goOn));
    }

    private Machine goOn(QemuStart.Prepared prepared, MachineSpec spec, ResourceLedger ledger, StepListener steps)
            throws InterruptedException {
        var made = new MadeThings(ledger, this::undo);
        return whole(spec.id(), made, () -> new QemuStart(tools, keys, spec, made, new Steps(steps)).goOn(prepared));
    }

    /** What a start does. */
    private interface Work<T> {
        T run() throws IOException, InterruptedException;
    }

    /** Does it, or nothing of it is left. */
    private static <T> T whole(MachineId id, MadeThings made, Work<T> work) throws InterruptedException {
        try {
            return work.run();
        } catch (IOException e) {
            List<String> left = made.undoAll();
            if (Thread.interrupted()) {
                // A channel's operation that is interrupted closes its channel and says so with an IOException.
                var interrupted = new InterruptedException("interrupted while starting " + id);
                interrupted.initCause(e);
                throw interrupted;
            }
            throw withLeft(
                    new FailureException(
                            Cause.of(
                                    Failures.codeOf(String.valueOf(e.getMessage()), CauseCode.HYPERVISOR_FAILED),
                                    "Starting " + id + " failed.",
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
            MachineSpec spec, String handle, List<Resource> made, ResourceLedger ledger, StepListener steps)
            throws InterruptedException {
        var things = new MadeThings(ledger, this::undo, made);
        return new QemuAdoption(spec, QemuHandle.parse(handle), things, new Steps(steps)).run();
    }

    @Override
    public List<Resource> traces(MachineId id, Path directory) {
        var traces = new ArrayList<Resource>();
        traces.add(new Resource(NAME, PROCESS, marker(id)));
        traces.add(new Resource(NAME, PROCESS, probeMarker(id)));
        traces.addAll(MachineFiles.in(directory).traces());
        if (root) {
            traces.addAll(taps.traces(id));
        }
        return List.copyOf(traces);
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
            case FILE -> MachineFiles.undo(Path.of(resource.name()));
            case QemuSnapshot.STATE_FOLDER -> QemuSnapshot.undo(Path.of(resource.name()));
            default -> taps.undo(resource);
        });
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
}
