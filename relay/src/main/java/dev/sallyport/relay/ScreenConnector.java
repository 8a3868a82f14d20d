package dev.sallyport.relay;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Executor;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A connector on which screens are relayed at the least cost: their bytes go from one socket to the other within the kernel. On any other
 * connector, such as one with TLS, they are read and written, and nothing else differs.
 */
public final class ScreenConnector extends ServerConnector {
    /** As {@link ServerConnector#ServerConnector(Server, ConnectionFactory...)}. */
    public ScreenConnector(Server server, ConnectionFactory... factories) {
        super(server, factories);
    }

    @Override
    protected SocketChannelEndPoint newEndPoint(SocketChannel channel, ManagedSelector selector, SelectionKey key) {
        var endPoint = new ScreenEndPoint(channel, selector, key, getScheduler());
        endPoint.setIdleTimeout(getIdleTimeout());
        return endPoint;
    }

    /** Machines' ends are watched by the threads that watch pages: a page and its machine share a thread where there is one, and nothing is handed over. */
    @Override
    protected SelectorManager newSelectorManager(Executor executor, Scheduler scheduler, int selectors) {
        return new ServerConnectorManager(executor, scheduler, selectors) {
            @Override
            public Connection newConnection(SelectableChannel channel, EndPoint endPoint, @Nullable Object attachment)
                    throws IOException {
                return attachment instanceof Relay relay
                        ? new MachineEnd(endPoint, getExecutor(), getByteBufferPool(), relay)
                        : super.newConnection(channel, endPoint, attachment);
            }
        };
    }
}
