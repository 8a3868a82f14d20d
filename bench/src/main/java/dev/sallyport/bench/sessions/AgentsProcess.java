package dev.sallyport.bench.sessions;

import dev.sallyport.bench.process.ChildLoop;
import dev.sallyport.bench.simulated.MachineAddresses;
import dev.sallyport.bench.simulated.SimulatedAgents;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The agents of all simulated machines, in a process of their own. Asked {@code counts} it says how many sign-ins await their
 * users, {@code sessions} which; {@code succeed SESSION} ends the waiting of one.
 */
final class AgentsProcess {
    private static final String SESSIONS = "sessions";
    private static final String SUCCEED = "succeed ";

    private AgentsProcess() {}

    /** @param arguments the folder of the run */
    public static void main(String[] arguments) throws IOException {
        try (var agents =
                new SimulatedAgents(MachineAddresses.in(ControllerProcess.addresses(Path.of(arguments[0]))))) {
            ChildLoop.run(Map.of("port", agents.port()), line -> answer(line, agents));
        }
    }

    private static Map<String, ?> answer(String line, SimulatedAgents agents) {
        if (line.startsWith(SUCCEED)) {
            agents.succeed(line.substring(SUCCEED.length()));
            return Map.of();
        }
        List<String> sessions = agents.awaiting();
        return line.equals(SESSIONS)
                ? Map.of("sessions", sessions)
                : Map.of("awaiting", sessions.size(), "requests", agents.requests());
    }
}
