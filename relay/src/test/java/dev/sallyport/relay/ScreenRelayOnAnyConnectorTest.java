package dev.sallyport.relay;

import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** All of it on a connector that knows nothing of screens: bytes are read and written. */
class ScreenRelayOnAnyConnectorTest extends ScreenRelayTest {
    @Override
    ServerConnector connector(Server of) {
        return new ServerConnector(of);
    }
}
