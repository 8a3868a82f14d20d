package dev.sallyport.relay;

import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.jspecify.annotations.Nullable;

/** Watches machines' ends where no {@link ScreenConnector} does. */
final class MachineEnds extends SelectorManager {
    private final Server server;

    private MachineEnds(Server server) {
        super(server.getThreadPool(), server.getScheduler(), 1);
        this.server = server;
    }

    /** What watches the machines of {@code connector}'s screens: itself if it can, or one a server, which starts and stops it. */
    static SelectorManager of(Connector connector) {
        if (connector instanceof ScreenConnector own) {
            return own.getSelectorManager();
        }
        Server server = connector.getServer();
        synchronized (MachineEnds.class) {
            MachineEnds there = server.getBean(MachineEnds.class);
            if (there == null) {
                there = new MachineEnds(server);
                // The server runs already: it is started at once.
                server.addManaged((Object) there);
            }
            return there;
        }
    }

    @Override
    protected EndPoint newEndPoint(SelectableChannel channel, ManagedSelector selector, SelectionKey key) {
        return new SocketChannelEndPoint((SocketChannel) channel, selector, key, getScheduler());
    }

    @Override
    public Connection newConnection(SelectableChannel channel, EndPoint endPoint, @Nullable Object relay) {
        if (!(relay instanceof Relay screen)) {
            throw new IllegalArgumentException("a machine's end without its relay");
        }
        return new MachineEnd(endPoint, getExecutor(), server.getByteBufferPool(), screen);
    }
}
