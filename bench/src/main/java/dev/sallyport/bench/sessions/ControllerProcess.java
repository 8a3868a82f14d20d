package dev.sallyport.bench.sessions;

import dev.sallyport.bench.process.ChildLoop;
import dev.sallyport.bench.simulated.MachineAddresses;
import dev.sallyport.bench.simulated.SimulatedDriver;
import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.admission.Memory;
import dev.sallyport.controller.admission.Rate;
import dev.sallyport.model.Folders;
import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * The controller under load, in a process of its own: a whole one with its database, on simulated machines. Asked {@code memory} it
 * collects garbage and says what is left, {@code left} what machines have left, {@code transactions} what its database has done.
 */
final class ControllerProcess {
    /** Nobody is hurried, and a browser machine goes a second after its session. */
    private static final Settings.Timing TIMING = Settings.Timing.DEFAULTS
            .user(Duration.ofHours(6))
            .graces(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofMinutes(2));

    /** Beyond every level: what is measured is the controller, not its gate. Simulated machines have no memory. */
    private static final int MACHINES = 1_000_000;

    private static final int STARTS_A_MINUTE = 100_000;

    private static final Memory MEMORY = new Memory() {
        @Override
        public long available() {
            return Long.MAX_VALUE / 4;
        }

        @Override
        public long total() {
            return Long.MAX_VALUE / 4;
        }
    };

    private ControllerProcess() {}

    /** What a controller of the benchmark chooses: limits of sessions and machines belong here too, set beyond its levels. */
    static Settings settings(Path folder) {
        return Settings.defaults(new Folders(folder.resolve("cache"), folder.resolve("data"), folder))
                .listeningOn(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .with(TIMING)
                .with(Limits.defaults(MEMORY.total())
                        .withMachines(MACHINES, MACHINES)
                        .withQueue(MACHINES, MACHINES, Duration.ofMinutes(10))
                        .withRates(Rate.perMinute(STARTS_A_MINUTE), Rate.perMinute(STARTS_A_MINUTE)));
    }

    /** A controller on simulated machines. */
    static Controller start(Settings settings, SimulatedDriver driver) throws InterruptedException {
        return Controller.start(settings, new Controller.Fittings(ignored -> driver, StepHook.NONE, MEMORY));
    }

    /** @param arguments the folder of the run, and the agents' port */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path folder = Path.of(arguments[0]);
        Settings settings = settings(folder);
        SimulatedImages.make(settings.folders().cache());
        var driver = new SimulatedDriver(MachineAddresses.in(addresses(folder)), Integer.parseInt(arguments[1]));
        try (var controller = start(settings, driver)) {
            Map<String, String> ready = Map.of("address", controller.address().toString());
            ChildLoop.run(ready, line -> answer(line, driver, settings));
        }
    }

    /** Where the addresses of the machines of a run lie. */
    static Path addresses(Path folder) {
        return folder.resolve("addresses");
    }

    private static Map<String, ?> answer(String line, SimulatedDriver driver, Settings settings) {
        return switch (line) {
            case "memory" -> memory();
            case "left" -> StoreRows.of(settings.folders().data(), driver.things());
            case "transactions" -> StoreRows.transactions(settings.folders().data());
            default -> throw new IllegalArgumentException("no answer to '" + line + "'");
        };
    }

    private static Map<String, ?> memory() {
        var memory = ManagementFactory.getMemoryMXBean();
        // What the first collection finds unreachable may keep more alive until it is cleaned up.
        memory.gc();
        memory.gc();
        return Map.of(
                "heap", memory.getHeapMemoryUsage().getUsed(),
                "heapMax", memory.getHeapMemoryUsage().getMax(),
                "nonHeap", memory.getNonHeapMemoryUsage().getUsed(),
                "threads", ManagementFactory.getThreadMXBean().getThreadCount());
    }
}
