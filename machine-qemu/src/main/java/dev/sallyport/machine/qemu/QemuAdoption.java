package dev.sallyport.machine.qemu;

import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.SpooledConsole;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** One adoption: a list of steps, each timed. Nothing is undone by it, whatever happens. */
final class QemuAdoption {
    /** A QEMU that is not held answers within milliseconds. */
    private static final Duration MONITOR = Duration.ofSeconds(5);
    /** A process whose sockets have ended is gone when its memory has been given back. */
    private static final Duration ENDING = Duration.ofSeconds(2);

    private final MachineSpec spec;
    private final MachineFiles files;
    private final QemuHandle handle;
    private final ProcessIdentity identity;
    private final MadeThings made;
    private final Steps steps;

    QemuAdoption(MachineSpec spec, QemuHandle handle, MadeThings made, Steps steps) {
        this.spec = spec;
        this.files = MachineFiles.in(spec.directory());
        this.handle = handle;
        this.identity = new ProcessIdentity(handle.pid(), handle.startTicks(), QemuDriver.marker(spec.id()));
        this.made = made;
        this.steps = steps;
    }

    Optional<Machine> run() throws InterruptedException {
        // Taken before the look at its identity: it is that process's, or nobody's.
        Optional<ProcessHandle> process = ProcessHandle.of(handle.pid());
        if (process.isEmpty() || !identity.alive()) {
            return Optional.empty();
        }
        try {
            return Optional.of(take(process.get()));
        } catch (IOException e) {
            if (Thread.interrupted()) {
                // A channel's operation that is interrupted closes its channel and says so with an IOException.
                var interrupted = new InterruptedException("interrupted while adopting " + spec.id());
                interrupted.initCause(e);
                throw interrupted;
            }
            if (FoundHypervisor.ends(identity, ENDING)) {
                return Optional.empty();
            }
            throw new FailureException(
                    Cause.of(
                            CauseCode.HYPERVISOR_FAILED,
                            spec.id()
                                    + " runs and cannot be taken over: its monitor is held by another process, or does"
                                    + " not answer.",
                            e.toString()),
                    e);
        }
    }

    private Machine take(ProcessHandle process) throws IOException, InterruptedException {
        var events = new QemuMachine.Events();
        QmpClient qmp = null;
        ConsolePipe pipe = null;
        SpooledConsole console = null;
        boolean held = false;
        try {
            qmp = QmpClient.connect(files.of(MachineFiles.MONITOR_SOCKET), events::accept, MONITOR);
            events.before(qmp.execute("query-status", Map.of(), MONITOR));
            steps.done(
                    "hypervisor",
                    "QEMU runs the machine, and is in our hands.",
                    Map.of("agent", QemuHandle.text(handle.ports().agent())));
            Doors.again(spec.egress(), handle.door());
            steps.done("network", "Its way out is open where it was.", Map.of("door", QemuHandle.text(handle.door())));
            pipe = ConsolePipe.open(files.of(MachineFiles.CONSOLE_OUTPUT));
            console = SpooledConsole.reopen(files.of(MachineFiles.CONSOLE_LOG));
            pipe.pump(console, "console of " + spec.id());
            // QEMU holds the pipe as long as it lives; if it lives no more, this is how its end is seen.
            pipe.release();
            steps.done("console", "Its console goes on.", Map.of("bytes", Long.toString(console.bytes())));
            var hypervisor = new FoundHypervisor(process, identity, qmp);
            var machine = new QemuMachine(spec, handle, hypervisor, console, pipe, qmp, events, made, Optional.empty());
            held = true;
            return machine;
        } finally {
            if (!held) {
                QemuLaunch.close(qmp, pipe, console);
            }
        }
    }
}
