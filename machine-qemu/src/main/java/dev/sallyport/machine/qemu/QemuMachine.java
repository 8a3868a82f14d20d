package dev.sallyport.machine.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.machine.Console;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.MachineExit.Kind;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.Pulse;
import dev.sallyport.machine.Share;
import dev.sallyport.machine.SpooledConsole;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running QEMU and all that was made for it. */
final class QemuMachine implements Machine {
    private static final Logger LOG = LoggerFactory.getLogger(QemuMachine.class);

    private enum State {
        HELD,
        DESTROYED,
        LEFT
    }

    /** After QEMU has ended, its sockets hold what it said last; reading that takes no time unless something is wrong. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(2);

    /** Between two looks whether there is room again. */
    private static final Duration ROOM = Duration.ofSeconds(1);

    /** A panic is among the last lines: the kernel prints a trace of some dozens after it. */
    private static final int PANIC_LINES = 200;

    private static final int AROUND = 7;

    private static final String PANIC = "Kernel panic - not syncing";

    private static final MachineExit UNTOLD = new MachineExit(Kind.DESTROYED, -1, List.of());

    /** What QEMU's monitor said of the guest's end; written by the thread that reads events. */
    static final class Events {
        private static final Set<String> MIGRATION_ENDS = Set.of("completed", "failed", "cancelled");

        private volatile String shutdown = "";
        private volatile boolean panicked;
        private volatile boolean paused;
        /** Whether it is paused for want of room on the host's disk. */
        private volatile boolean withoutRoom;
        /** One for each time that QEMU paused the machine since there was no room for what it wrote. */
        private final Semaphore outOfRoom = new Semaphore(0);

        private volatile CompletableFuture<String> migration = new CompletableFuture<>();

        /** How the migration that begins next ends: {@code completed}, {@code failed} or {@code cancelled}. */
        CompletableFuture<String> migration() {
            var next = new CompletableFuture<String>();
            migration = next;
            return next;
        }

        /** What happened before anybody listened, from the answer to {@code query-status}. */
        void before(JsonNode status) {
            paused = !status.path("running").asBoolean(true);
            panicked = status.path("status").asText().equals("guest-panicked");
            if (status.path("status").asText().equals("io-error")) {
                withoutRoom = true;
                outOfRoom.release();
            }
        }

        void accept(JsonNode event) {
            switch (event.path("event").asText()) {
                case "SHUTDOWN" -> shutdown = event.path("data").path("reason").asText("unknown");
                case "GUEST_PANICKED" -> panicked = true;
                case "STOP" -> paused = true;
                case "RESUME" -> {
                    paused = false;
                    withoutRoom = false;
                }
                case "MIGRATION" -> {
                    String status = event.path("data").path("status").asText();
                    if (MIGRATION_ENDS.contains(status)) {
                        migration.complete(status);
                    }
                }
                case "BLOCK_IO_ERROR" -> {
                    if (event.path("data").path("action").asText().equals("stop")) {
                        withoutRoom = true;
                        outOfRoom.release();
                    }
                }
                default -> {
                    // The others (a changed clock, a device's status) tell nothing of an end.
                }
            }
        }
    }

    private final MachineSpec spec;
    private final QemuHandle handle;
    private final Hypervisor hypervisor;
    private final SpooledConsole console;
    private final ConsolePipe pipe;
    private final QmpClient qmp;
    private final Events events;
    private final MadeThings made;
    private final Optional<QemuSnapshot> snapshot;
    private final AtomicReference<State> state = new AtomicReference<>(State.HELD);
    private final CompletableFuture<Integer> left = new CompletableFuture<>();
    private final CompletableFuture<MachineExit> exit = new CompletableFuture<>();

    /** @param snapshot how a template is made of it; empty when it was not started for one */
    QemuMachine(
            MachineSpec spec,
            QemuHandle handle,
            Hypervisor hypervisor,
            SpooledConsole console,
            ConsolePipe pipe,
            QmpClient qmp,
            Events events,
            MadeThings made,
            Optional<QemuSnapshot> snapshot) {
        this.spec = spec;
        this.handle = handle;
        this.hypervisor = hypervisor;
        this.console = console;
        this.pipe = pipe;
        this.qmp = qmp;
        this.events = events;
        this.made = made;
        this.snapshot = snapshot;
        Thread.ofVirtual().name("end of " + spec.id()).start(this::watch);
        Thread.ofVirtual().name("room of " + spec.id()).start(this::goOnWhenThereIsRoom);
    }

    /**
     * QEMU pauses a machine whose host has no room for what it writes (QEMU's docs/system/qemu-manpage, "werror=enospc"), and leaves
     * it paused. Nothing announces room: the machine is told to go on now and then, and is paused again while there is none.
     */
    private void goOnWhenThereIsRoom() {
        try {
            events.outOfRoom.acquire();
            while (!exit.isDone() && state.get() == State.HELD) {
                LOG.warn("{} is paused: there is no room on the host's disk for what it writes", spec.id());
                boolean ended = awaitExit(ROOM).isPresent();
                events.outOfRoom.drainPermits();
                if (!ended && state.get() == State.HELD) {
                    qmp.execute("cont", Map.of(), LAST_WORDS);
                    events.outOfRoom.acquire();
                }
            }
        } catch (IOException e) {
            LOG.debug("{} was not told to go on: {}", spec.id(), e.toString()); // It ends, or is let go of.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void watch() {
        try {
            int code = hypervisor.exit().applyToEither(left, each -> each).get();
            events.outOfRoom.release(); // Nobody need wait for room any more.
            if (left.isDone()) {
                return;
            }
            qmp.awaitEnd(LAST_WORDS);
            console.awaitEnd(LAST_WORDS);
            hypervisor.awaitOutput(Duration.ofMillis(200));
            exit.complete(judge(code));
        } catch (InterruptedException | ExecutionException | RuntimeException e) {
            exit.complete(new MachineExit(Kind.HYPERVISOR_FAILED, -1, List.of(e.toString())));
        }
    }

    private MachineExit judge(int code) {
        if (state.get() == State.DESTROYED) {
            return new MachineExit(Kind.DESTROYED, code, List.of());
        }
        String reason = events.shutdown;
        List<String> lines = console.lastLines(PANIC_LINES);
        int panic = 0;
        while (panic < lines.size() && !lines.get(panic).contains(PANIC)) {
            panic++;
        }
        boolean panicLine = panic < lines.size();
        if (events.panicked || (reason.equals("guest-reset") && panicLine)) {
            // The line with those before it, which say what led to it, and those after it.
            return new MachineExit(
                    Kind.GUEST_PANIC,
                    code,
                    lines.subList(Math.max(0, panic - AROUND), Math.min(lines.size(), panic + AROUND + 1)));
        }
        if (reason.startsWith("guest")) {
            return new MachineExit(Kind.GUEST_SHUTDOWN, code, List.of("QEMU: " + reason));
        }
        List<String> said = hypervisor.lastLines();
        return new MachineExit(
                Kind.HYPERVISOR_FAILED,
                code,
                said.isEmpty() ? List.of("QEMU ended with " + code + " without a word") : said);
    }

    @Override
    public MachineSpec spec() {
        return spec;
    }

    @Override
    public InetSocketAddress agent() {
        return handle.ports().agent();
    }

    @Override
    public InetSocketAddress streams() {
        return handle.ports().streams();
    }

    @Override
    public Console console() {
        return console;
    }

    @Override
    public String handle() {
        return handle.text();
    }

    @Override
    public OptionalLong residentBytes() {
        return exit.isDone() || left.isDone() ? OptionalLong.empty() : hypervisor.residentBytes();
    }

    @Override
    public Optional<Pulse> pulse() {
        if (events.withoutRoom || exit.isDone() || left.isDone()) {
            return Optional.empty();
        }
        return hypervisor
                .pulse()
                .map(seen -> events.paused && seen.halted().isEmpty()
                        ? new Pulse("somebody paused the machine by QEMU's monitor", seen.worked(), seen.waited())
                        : seen);
    }

    @Override
    public void take(Share share) {
        if (!exit.isDone() && !left.isDone()) {
            hypervisor.take(share);
        }
    }

    @Override
    public void snapshot() throws InterruptedException {
        snapshot.orElseThrow(() -> new IllegalStateException(spec.id() + " was not started for a template"))
                .run(qmp, events);
    }

    @Override
    public Optional<MachineExit> exit() {
        return Optional.ofNullable(exit.getNow(null));
    }

    @Override
    public Optional<MachineExit> awaitExit(Duration atMost) throws InterruptedException {
        try {
            return Optional.of(exit.get(Math.max(0, atMost.toNanos()), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("completed with a value alone", e);
        }
    }

    @Override
    public List<String> destroy() {
        if (!state.compareAndSet(State.HELD, State.DESTROYED) && state.get() == State.LEFT) {
            return List.of(spec.id() + " was left: whoever adopts it destroys it");
        }
        // The process was made last and is undone first.
        List<String> errors = made.undoAll();
        if (errors.isEmpty()) {
            // The process is gone, and what it said last is in the sockets: the console log is to have it. Not
            // interruptible.
            exit.copy().completeOnTimeout(UNTOLD, 3, TimeUnit.SECONDS).join();
            console.close();
        }
        qmp.close();
        return errors;
    }

    @Override
    public void leave() {
        if (!state.compareAndSet(State.HELD, State.LEFT)) {
            return;
        }
        left.complete(0);
        hypervisor.leave();
        qmp.close();
        try {
            pipe.close();
        } catch (IOException e) {
            LOG.warn("the console of {} was not closed: {}", spec.id(), e.toString());
        }
    }
}
