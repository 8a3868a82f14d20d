package dev.sallyport.bench.sessions;

import dev.sallyport.bench.process.ChildLoop;
import dev.sallyport.bench.simulated.MachineAddresses;
import dev.sallyport.bench.simulated.SimulatedDriver;
import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import dev.sallyport.model.Folders;
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
    private static final Settings.Timing TIMING = new Settings.Timing(
            Duration.ofMinutes(3),
            Duration.ofHours(6),
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ofMinutes(2));

    private ControllerProcess() {}

    /** What a controller of the benchmark chooses: limits of sessions and machines belong here too, set beyond its levels. */
    static Settings settings(Path folder) {
        return Settings.defaults(new Folders(folder.resolve("cache"), folder.resolve("data"), folder))
                .listeningOn(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .with(TIMING);
    }

    /** @param arguments the folder of the run, and the agents' port */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path folder = Path.of(arguments[0]);
        Settings settings = settings(folder);
        SimulatedImages.make(settings.folders().cache());
        var driver = new SimulatedDriver(MachineAddresses.in(addresses(folder)), Integer.parseInt(arguments[1]));
        try (var controller = Controller.start(settings, ignored -> driver)) {
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
