package dev.sallyport.egress;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.littleshoot.proxy.impl.ServerGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One listener for all doors of a port, in place of one each: it listens on all of the host's addresses, and what comes to one that is no
 * open door's is turned away. It is there while there are doors of the port. Where others hold the port at some address, each door
 * listens for itself.
 */
final class SharedPort {
    private static final Logger LOG = LoggerFactory.getLogger(SharedPort.class);

    private final EgressSettings settings;
    private final ServerGroup threads;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Integer, Listening> ports = new HashMap<>();

    /** A listener and its doors. */
    private record Listening(DoorServer server, Map<InetAddress, DoorThread> doors) {}

    SharedPort(EgressSettings settings, ServerGroup threads) {
        this.settings = settings;
        this.threads = threads;
    }

    /**
     * Takes a door in.
     *
     * @return false when the port cannot be listened on for all; the door needs a listener of its own then
     * @throws IOException when there is a door at {@code address} already, or it is not the host's
     */
    boolean open(InetSocketAddress address, DoorThread door) throws IOException {
        lock.lock();
        try {
            Listening listening = ports.get(address.getPort());
            if (listening == null) {
                listening = listen(address.getPort());
                if (listening == null) {
                    return false;
                }
            }
            try {
                checkOurs(address);
                if (listening.doors().putIfAbsent(address.getAddress(), door) != null) {
                    throw new IOException("cannot listen on " + address + ": there is a door already");
                }
            } catch (IOException e) {
                closeUnused(address.getPort(), listening);
                throw e;
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Knows of a door no more. */
    void close(InetSocketAddress address) {
        lock.lock();
        try {
            Listening listening = ports.get(address.getPort());
            if (listening != null) {
                listening.doors().remove(address.getAddress());
                closeUnused(address.getPort(), listening);
            }
        } finally {
            lock.unlock();
        }
    }

    private void closeUnused(int port, Listening listening) {
        if (listening.doors().isEmpty()) {
            ports.remove(port);
            listening.server().close();
        }
    }

    private @Nullable Listening listen(int port) {
        Map<InetAddress, DoorThread> doors = new ConcurrentHashMap<>();
        try {
            DoorServer server = DoorServer.start(
                    "egress-" + port, new InetSocketAddress(port), settings, threads, at -> doors.get(at.getAddress()));
            var listening = new Listening(server, doors);
            ports.put(port, listening);
            return listening;
        } catch (IOException e) {
            LOG.debug("Port {} cannot be shared: each door listens for itself", port, e);
            return null;
        }
    }

    /** A machine could never reach a door at an address that the host does not have; binding says so, by its system's own words. */
    private static void checkOurs(InetSocketAddress address) throws IOException {
        try (var socket = new java.net.Socket()) {
            socket.bind(new InetSocketAddress(address.getAddress(), 0));
        } catch (IOException e) {
            throw new IOException("cannot listen on " + address, e);
        }
    }
}
