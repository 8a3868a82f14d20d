package dev.sallyport.machine.qemu;

import dev.sallyport.machine.EgressDoor;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;

/**
 * A TAP device with a network of four addresses of its own, guarded by {@link TapRules}.
 *
 * @param device the interface's name
 * @param host the host's address on it
 * @param guest the machine's address
 * @param door where the egress gateway listens
 * @param guard the rules, which may still be written
 */
record TapNetwork(String device, Inet4Address host, Inet4Address guest, InetSocketAddress door, Guard guard)
        implements MachineNetwork {
    static final String KIND = "tap";

    @Override
    public String kind() {
        return KIND;
    }

    /** With a door where it is to be, which is not open yet. */
    static TapNetwork closed(TapNetworks.Device device) {
        return new TapNetwork(
                device.name(),
                device.host(),
                device.guest(),
                new InetSocketAddress(device.host(), MachineNetwork.DOOR_PORT),
                device.guard());
    }

    /** The same, with its door open. */
    TapNetwork open(EgressDoor egress, Guard now) {
        return new TapNetwork(device, host, guest, Doors.open(egress, host, MachineNetwork.DOOR_PORT), now);
    }

    @Override
    public List<String> arguments() {
        return List.of("-netdev", "tap,id=net,ifname=" + device + ",script=no,downscript=no,vhost=off");
    }

    @Override
    public String address() {
        return guest.getHostAddress() + "/30";
    }

    @Override
    public String proxy() {
        return door.getAddress().getHostAddress() + ":" + door.getPort();
    }

    @Override
    public InetSocketAddress wanted() {
        return new InetSocketAddress(host, door.getPort());
    }

    @Override
    public boolean spawns() {
        return false;
    }

    @Override
    public String text() {
        return "TAP device " + device + ", closed but for the gateway.";
    }

    @Override
    public Map<String, String> details() {
        return Map.of("network", KIND, "device", device, "address", guest.getHostAddress(), "door", proxy());
    }

    @Override
    public Ports ports(QmpClient qmp) {
        return new Ports(new InetSocketAddress(guest, AGENT_PORT), new InetSocketAddress(guest, STREAM_PORT));
    }
}
