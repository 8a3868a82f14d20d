package dev.sallyport.egress;

import dev.sallyport.model.MachineId;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.littleshoot.proxy.TransportProtocol;
import org.littleshoot.proxy.impl.ServerGroup;

/**
 * The machines' way to the world. Each machine gets a {@link Door}: an HTTP proxy on an address of its own, which takes tunnels
 * to the allowed hosts, refuses everything else with a plain reason, and tells its listener. TLS is not touched: what travels in a
 * tunnel is between the machine and the host. Doors with the same port share a listener, if they are to and can.
 *
 * <p>Names are resolved here, once for each request, and must resolve to the public internet: a name that an attacker points at
 * the host's own network leads nowhere. Through an upstream proxy names are resolved there.
 */
public final class EgressGateway implements AutoCloseable {
    /** Told what a machine did not get; called on a thread of its own, at a bounded rate. */
    @FunctionalInterface
    public interface Listener {
        /** Something was refused, or could not be reached. */
        void happened(EgressEvent event);

        /** A host was reached of which {@link #happened} told before; in the order in which both came to pass. */
        default void reachedAgain(String host) {}
    }

    /**
     * What went through a door.
     *
     * @param sent bytes from the machine
     * @param received bytes to the machine
     * @param connections that the machine holds now
     */
    public record Traffic(long sent, long received, int connections) {}

    private final EgressSettings settings;
    private final Names names;
    private final Predicate<InetAddress> reachable;
    private final ServerGroup shared = new ServerGroup("egress", 1, 1, 2, false);
    private final SharedPort ports;
    private final Set<Door> doors = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean closed = new AtomicBoolean();

    /** A gateway with the default settings, through {@code upstream} if there is one. */
    public EgressGateway(Optional<InetSocketAddress> upstream) {
        this(upstream, false);
    }

    /** A gateway with the default settings, and with a listener for all doors of a port if {@code sharesPorts}. */
    public EgressGateway(Optional<InetSocketAddress> upstream, boolean sharesPorts) {
        this(upstream.map(address ->
                        EgressSettings.DEFAULT.through(Upstream.of(address.getHostString(), address.getPort())))
                .orElse(EgressSettings.DEFAULT)
                .sharingPorts(sharesPorts));
    }

    /** A gateway. */
    public EgressGateway(EgressSettings settings) {
        this(settings, Resolver.system(), AddressRules::isPublic);
    }

    /** @param reachable which addresses a name may resolve to */
    EgressGateway(EgressSettings settings, Resolver resolver, Predicate<InetAddress> reachable) {
        this.settings = settings;
        this.reachable = reachable;
        names = new Names(resolver, settings.resolve());
        ports = new SharedPort(settings, shared);
    }

    /**
     * Opens a machine's door.
     *
     * @param machine whose it is
     * @param address the host's address that the machine connects to
     * @param port the port; 0 for any that is free
     * @param hosts what it may reach
     * @param listener told what it did not get
     * @throws IOException when the address cannot be listened on
     * @throws IllegalStateException when the gateway is closed
     */
    public Door open(MachineId machine, InetAddress address, int port, AllowList hosts, Listener listener)
            throws IOException {
        if (closed.get()) {
            throw new IllegalStateException("the gateway is closed");
        }
        var door = new Door(machine, new InetSocketAddress(address, port), hosts, listener);
        doors.add(door);
        if (closed.get()) {
            door.close(); // It may have come too late for close() to see it.
            throw new IllegalStateException("the gateway is closed");
        }
        return door;
    }

    /** Closes all doors and ends all threads. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        List.copyOf(doors).forEach(Door::close);
        names.close();
        // LittleProxy's own shutdown() passes over groups that no server used, and would leave them running.
        List<Future<?>> ends = Stream.of(
                        shared.getClientToProxyAcceptorPoolForTransport(TransportProtocol.TCP),
                        shared.getClientToProxyWorkerPoolForTransport(TransportProtocol.TCP),
                        shared.getProxyToServerWorkerPoolForTransport(TransportProtocol.TCP))
                .<Future<?>>map(group -> group.shutdownGracefully(0, 2, TimeUnit.SECONDS))
                .toList();
        ends.forEach(end -> end.awaitUninterruptibly(5, TimeUnit.SECONDS));
    }

    /** One machine's proxy. */
    public final class Door implements AutoCloseable {
        private final Policy policy;
        private final DoorThread thread;
        private final InetSocketAddress address;
        /** What listens for it alone; null where it shares a listener with others. */
        private final @Nullable DoorServer own;

        private final AtomicBoolean shut = new AtomicBoolean();

        private Door(MachineId machine, InetSocketAddress wanted, AllowList hosts, Listener listener)
                throws IOException {
            String name = "egress-" + machine;
            policy = new Policy(
                    hosts, names, reachable, settings.upstream().orElse(null), new Teller(machine, listener));
            thread = new DoorThread(name, shared, policy, settings);
            boolean inCommon = settings.sharesPorts() && wanted.getPort() != 0 && ports.open(wanted, thread);
            own = inCommon ? null : DoorServer.start(name, wanted, settings, shared, at -> thread);
            address = own == null ? wanted : own.address();
        }

        /** Where it listens. */
        public InetSocketAddress address() {
            return address;
        }

        /** What its machine may reach from now on; connections that are open stay. */
        public void allow(AllowList hosts) {
            policy.allow(hosts);
        }

        /** What went through it so far. */
        public Traffic traffic() {
            return thread.traffic();
        }

        /** Ends all its connections, and listens no more. Closing twice is harmless. */
        @Override
        public void close() {
            if (shut.compareAndSet(false, true)) {
                if (own == null) {
                    ports.close(address);
                } else {
                    own.close();
                }
                thread.end();
                doors.remove(this);
            }
        }
    }
}
