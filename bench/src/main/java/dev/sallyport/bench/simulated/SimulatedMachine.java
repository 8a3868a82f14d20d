package dev.sallyport.bench.simulated;

import dev.sallyport.machine.Console;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Pulse;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A machine of nothing: it runs until it is destroyed. */
final class SimulatedMachine implements Machine {
    private final MachineSpec spec;
    private final InetSocketAddress agent;
    private final Console console;
    private final Supplier<List<String>> undo;
    private final CountDownLatch ended = new CountDownLatch(1);

    /** @param undo undoes what was made for it; called once for each destruction */
    SimulatedMachine(MachineSpec spec, InetSocketAddress agent, Console console, Supplier<List<String>> undo) {
        this.spec = spec;
        this.agent = agent;
        this.console = console;
        this.undo = undo;
    }

    @Override
    public MachineSpec spec() {
        return spec;
    }

    @Override
    public InetSocketAddress agent() {
        return agent;
    }

    /** Nothing streams: it has no screen. */
    @Override
    public InetSocketAddress streams() {
        return agent;
    }

    @Override
    public Console console() {
        return console;
    }

    @Override
    public String handle() {
        return "{}";
    }

    /** It ends with its process. */
    @Override
    public void leave() {}

    @Override
    public OptionalLong residentBytes() {
        return OptionalLong.empty();
    }

    @Override
    public Optional<Pulse> pulse() {
        return Optional.empty();
    }

    @Override
    public Optional<MachineExit> exit() {
        return ended.getCount() > 0
                ? Optional.empty()
                : Optional.of(new MachineExit(MachineExit.Kind.DESTROYED, 0, List.of()));
    }

    @Override
    public Optional<MachineExit> awaitExit(Duration atMost) throws InterruptedException {
        return ended.await(atMost.toNanos(), TimeUnit.NANOSECONDS) ? exit() : Optional.empty();
    }

    @Override
    public List<String> destroy() {
        ended.countDown();
        return undo.get();
    }
}
