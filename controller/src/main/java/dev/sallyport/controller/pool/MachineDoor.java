package dev.sallyport.controller.pool;

import dev.sallyport.egress.AllowList;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.machine.EgressDoor;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Opens a machine's way out when its driver knows where it is looked for. */
final class MachineDoor implements EgressDoor, AutoCloseable {
    private final EgressGateway gateway;
    private final MachineId id;
    private final MachineRequest request;
    private final MachineTimeline.Recorder record;
    private EgressGateway.@Nullable Door door;

    MachineDoor(EgressGateway gateway, MachineId id, MachineRequest request, MachineTimeline.Recorder record) {
        this.gateway = gateway;
        this.id = id;
        this.request = request;
        this.record = record;
    }

    @Override
    public InetSocketAddress open(InetAddress address, int port) throws IOException {
        EgressGateway.Door opened = gateway.open(id, address, port, AllowList.of(request.egress()), record);
        door = opened;
        return opened.address();
    }

    /** Ends all its connections; harmless when it never was opened. */
    @Override
    public void close() {
        if (door != null) {
            door.close();
        }
    }
}
