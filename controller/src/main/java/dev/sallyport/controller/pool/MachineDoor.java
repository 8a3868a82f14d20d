package dev.sallyport.controller.pool;

import dev.sallyport.egress.AllowList;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.machine.EgressDoor;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Opens a machine's way out when its driver knows where it is looked for. */
final class MachineDoor implements EgressDoor, AutoCloseable {
    private final EgressGateway gateway;
    private final MachineId id;
    private final MachineTimeline.Recorder record;
    // Guarded by this.
    private Set<String> hosts;
    private EgressGateway.@Nullable Door door;

    /** @param hosts what may be reached through it */
    MachineDoor(EgressGateway gateway, MachineId id, Set<String> hosts, MachineTimeline.Recorder record) {
        this.gateway = gateway;
        this.id = id;
        this.hosts = hosts;
        this.record = record;
    }

    @Override
    public synchronized InetSocketAddress open(InetAddress address, int port) throws IOException {
        EgressGateway.Door opened = gateway.open(id, address, port, AllowList.of(hosts), record);
        door = opened;
        return opened.address();
    }

    /** What may be reached through it from now on. */
    synchronized void allow(Set<String> others) {
        hosts = others;
        if (door != null) {
            door.allow(AllowList.of(others));
        }
    }

    /** Ends all its connections; harmless when it never was opened. It can be opened again. */
    @Override
    public synchronized void close() {
        if (door != null) {
            door.close();
        }
    }
}
