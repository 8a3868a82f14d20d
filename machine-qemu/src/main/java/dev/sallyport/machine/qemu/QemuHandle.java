package dev.sallyport.machine.qemu;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * By what a machine is found and reached again.
 *
 * @param pid the process that was started, which is the machine's as long as it lives
 * @param startTicks when it started, see {@link ProcessIdentity}
 * @param ports the machine's as the host reaches them
 * @param door where its egress gateway is asked to listen
 */
record QemuHandle(long pid, long startTicks, MachineNetwork.Ports ports, InetSocketAddress door) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PID = "pid";
    private static final String START_TICKS = "start_ticks";
    private static final String AGENT = "agent";
    private static final String STREAMS = "streams";
    private static final String DOOR = "door";

    /** The JSON text. */
    String text() {
        return JSON.createObjectNode()
                .put(PID, pid)
                .put(START_TICKS, startTicks)
                .put(AGENT, text(ports.agent()))
                .put(STREAMS, text(ports.streams()))
                .put(DOOR, text(door))
                .toString();
    }

    /** @throws FailureException {@code HYPERVISOR_FAILED} when {@code text} is not what {@link #text()} makes */
    static QemuHandle parse(String text) {
        try {
            JsonNode handle = JSON.readTree(text);
            JsonNode pid = handle.path(PID);
            JsonNode startTicks = handle.path(START_TICKS);
            if (!pid.canConvertToLong() || !startTicks.canConvertToLong()) {
                throw new IllegalArgumentException("no process");
            }
            return new QemuHandle(
                    pid.longValue(),
                    startTicks.longValue(),
                    new MachineNetwork.Ports(address(handle.path(AGENT)), address(handle.path(STREAMS))),
                    address(handle.path(DOOR)));
        } catch (JacksonException | IllegalArgumentException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.HYPERVISOR_FAILED,
                            "A machine cannot be found again: its handle is not one of QEMU's.",
                            e.toString()),
                    e);
        }
    }

    static String text(InetSocketAddress address) {
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    private static InetSocketAddress address(JsonNode text) {
        String value = text.asText();
        int colon = value.lastIndexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException("not an address");
        }
        return new InetSocketAddress(
                InetAddress.ofLiteral(value.substring(0, colon)), Integer.parseInt(value.substring(colon + 1)));
    }
}
