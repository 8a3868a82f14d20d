package dev.sallyport.relay;

import java.io.IOException;
import java.nio.channels.SocketChannel;

/** Opens a machine's screen stream. */
@FunctionalInterface
public interface ScreenSource {
    /**
     * Connects. Called on a virtual thread of its own, which is interrupted when the viewer goes in the meantime.
     *
     * @return a connected channel in blocking mode, from which the first byte of the RFB protocol (RFC 6143) is read next; the
     *     relay closes it
     * @throws dev.sallyport.model.FailureException with the cause when there is no such stream; it is told to the viewer
     * @throws IOException when the machine cannot be reached
     */
    SocketChannel open() throws IOException;
}
