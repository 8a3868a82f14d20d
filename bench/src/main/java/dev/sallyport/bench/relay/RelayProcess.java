package dev.sallyport.bench.relay;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.bench.process.ChildLoop;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.relay.Gate;
import dev.sallyport.relay.RelaySettings;
import dev.sallyport.relay.ScreenConnector;
import dev.sallyport.relay.ScreenRelay;
import dev.sallyport.relay.Tickets;
import dev.sallyport.relay.Viewers;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.Executors;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * The relay in a process of its own: the controller's way from the ticket to the agent's stream port, without a database. Asked
 * {@code ticket} it answers with the path of a screen that may be opened once.
 */
final class RelayProcess {
    private RelayProcess() {}

    /** @param arguments the stream port */
    public static void main(String[] arguments) throws Exception {
        var streams = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]));
        var tickets = new Tickets(Clock.systemUTC());
        var session = SessionId.random();
        var agent = new AgentClient(streams, streams, Secret.of("not-checked-by-the-stand-in"));
        Gate gate = (who, ticket) -> {
            tickets.redeem(who, ticket);
            return agent::openScreen;
        };
        var threads = new QueuedThreadPool();
        threads.setVirtualThreadsExecutor(Executors.newVirtualThreadPerTaskExecutor());
        var server = new Server(threads);
        var connector = new ScreenConnector(server, new HttpConnectionFactory());
        connector.setHost(InetAddress.getLoopbackAddress().getHostAddress());
        server.addConnector(connector);
        try (var relay = new ScreenRelay(
                new Viewers(Viewers.DEFAULT_PER_SESSION, Viewers.Listener.NONE), RelaySettings.DEFAULT)) {
            server.setHandler(relay.context(server, gate));
            server.setStopTimeout(0);
            server.start();
            ChildLoop.run(
                    Map.of("port", connector.getLocalPort()),
                    line -> Map.of(
                            "path",
                            ScreenRelay.PATH.replace("{id}", session.value()) + "?" + ScreenRelay.TICKET + "="
                                    + tickets.issue(session, "bench").token().reveal()));
        }
        server.stop();
    }
}
