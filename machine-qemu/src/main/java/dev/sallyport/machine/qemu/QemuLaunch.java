package dev.sallyport.machine.qemu;

import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.SpooledConsole;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * From QEMU's command line to a machine in our hands. QEMU connects to a socket of ours as soon as its monitor listens, so that
 * nothing is asked again and again; then we connect to its monitor, as whoever adopts the machine later will, and hold that
 * connection. QEMU has room for one: nobody can adopt a machine that is held.
 */
final class QemuLaunch {
    /** What is made here in the machine's folder, in that order; written down by whoever launches. */
    static final List<String> FILES = List.of(
            MachineFiles.TOLD_SOCKET,
            MachineFiles.CONSOLE_INPUT,
            MachineFiles.CONSOLE_OUTPUT,
            MachineFiles.MONITOR_SOCKET);

    private final MachineId id;
    private final MachineFiles files;
    private final Duration allowed;
    private final QemuMachine.Events events = new QemuMachine.Events();
    /** Counts from QEMU's start. */
    private long deadline;

    private @Nullable SpooledConsole console;
    private @Nullable ConsolePipe pipe;
    private @Nullable StartedHypervisor process;
    private @Nullable QmpClient qmp;

    /**
     * What a template has to do with it.
     *
     * @param restore how it goes on from one; empty when it boots
     * @param snapshot how one is made of it; empty when none is
     */
    record Template(Optional<QemuRestore> restore, Optional<QemuSnapshot> snapshot) {}

    /** @param allowed how long QEMU may take until it answers */
    QemuLaunch(MachineId id, MachineFiles files, Duration allowed) {
        this.id = id;
        this.files = files;
        this.allowed = allowed;
    }

    /**
     * Starts QEMU, and returns when its monitor answers and it has taken its state. To be closed when that fails, or nothing comes of it.
     *
     * @param state of a template, to go on from; empty when it boots
     */
    void begin(List<String> arguments, Optional<Path> state) throws IOException, InterruptedException {
        var spool = new SpooledConsole(files.of(MachineFiles.CONSOLE_LOG));
        console = spool;
        try (ServerSocketChannel told = listen()) {
            ConsolePipe read = pipe();
            pipe = read;
            deadline = System.nanoTime() + allowed.toNanos();
            StartedHypervisor started =
                    StartedHypervisor.start(arguments, files.directory(), state, QemuDriver.marker(id));
            process = started;
            read.pump(spool, "console of " + id);
            awaitMonitor(told, started);
            try {
                QmpClient monitor = QmpClient.connect(files.of(MachineFiles.MONITOR_SOCKET), events::accept, left());
                qmp = monitor;
                if (state.isPresent()) {
                    QemuRestore.load(monitor, events, started.exit());
                }
            } catch (IOException e) {
                throw failed(started, e);
            }
        }
    }

    /** Completes when QEMU has ended. */
    CompletableFuture<Integer> exit() {
        return Objects.requireNonNull(process, "begun").exit();
    }

    /** Has a machine of what was begun. To be closed when that fails. */
    QemuMachine finish(MachineSpec spec, MadeThings made, MachineNetwork network, Template template)
            throws IOException, InterruptedException {
        StartedHypervisor started = Objects.requireNonNull(process, "begun");
        QmpClient monitor = Objects.requireNonNull(qmp, "begun");
        ConsolePipe read = Objects.requireNonNull(pipe, "begun");
        SpooledConsole spool = Objects.requireNonNull(console, "begun");
        QemuHandle handle;
        try {
            if (template.restore().isPresent()) {
                template.restore().get().goOn(monitor);
            }
            handle = handle(started, network.ports(monitor), network);
        } catch (IOException e) {
            throw failed(started, e);
        }
        read.release();
        return new QemuMachine(spec, handle, started, spool, read, monitor, events, made, template.snapshot());
    }

    /** Lets go of what was opened for a machine that does not come to be. */
    void close() throws IOException {
        close(qmp, pipe, console);
    }

    private static QemuHandle handle(StartedHypervisor process, MachineNetwork.Ports ports, MachineNetwork network)
            throws InterruptedException {
        Optional<ProcessIdentity> identity = process.identity();
        if (identity.isEmpty()) {
            throw failed(process, null);
        }
        return new QemuHandle(identity.get().pid(), identity.get().startTicks(), ports, network.wanted());
    }

    /** Lets go of what was opened for a machine that does not come to be. */
    static void close(@Nullable QmpClient qmp, @Nullable ConsolePipe pipe, @Nullable SpooledConsole console)
            throws IOException {
        if (qmp != null) {
            qmp.close();
        }
        try {
            if (pipe != null) {
                pipe.close();
            }
        } finally {
            if (console != null) {
                console.close();
            }
        }
    }

    private ConsolePipe pipe() throws IOException {
        ConsolePipe.make(files.of(MachineFiles.CONSOLE_INPUT), files.of(MachineFiles.CONSOLE_OUTPUT));
        return ConsolePipe.open(files.of(MachineFiles.CONSOLE_OUTPUT));
    }

    private ServerSocketChannel listen() throws IOException {
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            return channel.bind(UnixDomainSocketAddress.of(files.of(MachineFiles.TOLD_SOCKET)));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Waits until QEMU's monitor listens; fails as soon as QEMU has ended before. */
    private void awaitMonitor(ServerSocketChannel told, StartedHypervisor process)
            throws IOException, InterruptedException {
        var listens = new CompletableFuture<Void>();
        Thread.ofVirtual().name("accept").start(() -> {
            try {
                told.accept().close();
                listens.complete(null);
            } catch (IOException e) {
                listens.completeExceptionally(e);
            }
        });
        try {
            CompletableFuture.anyOf(listens, process.exit()).get(left().toNanos(), TimeUnit.NANOSECONDS);
            if (!listens.isDone()) {
                throw failed(process, null);
            }
            listens.get();
        } catch (ExecutionException e) {
            throw new IOException("waiting for QEMU's connection failed", e.getCause());
        } catch (TimeoutException e) {
            throw new FailureException(
                    new Cause(
                            CauseCode.HYPERVISOR_FAILED,
                            "QEMU did not come up in " + allowed.toMillis() + " ms.",
                            process.lastLines()),
                    e);
        }
    }

    private Duration left() {
        return Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
    }

    /** Names why QEMU ended, by its own words. */
    private static FailureException failed(StartedHypervisor process, @Nullable IOException thrown)
            throws InterruptedException {
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
            // A channel that was closed has no message.
            evidence.add(String.valueOf(thrown));
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
