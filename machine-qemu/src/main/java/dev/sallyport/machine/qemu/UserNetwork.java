package dev.sallyport.machine.qemu;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * QEMU's own network stack, restricted: a connection from the machine is reset unless it goes to the gateway's address, for
 * which QEMU starts a {@code socat} that joins it to the host's loopback port; no name service, no other host, no IPv6. (The
 * stack itself answers echo requests to its own address.) The host reaches the machine's two ports through forwarded ports on
 * its loopback, which the kernel chooses: nothing can race for them.
 *
 * @param door where the egress gateway listens on the host
 */
record UserNetwork(InetSocketAddress door) implements MachineNetwork {
    static final String KIND = "user";

    static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    private static final String GATEWAY = "10.0.2.100";
    private static final Duration MONITOR = Duration.ofSeconds(10);

    /** After one side has ended a connection the other has so long to end: socat's own half a second would cut answers short. */
    private static final int HALF_CLOSED_SECONDS = 300;

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public List<String> arguments() {
        InetAddress address = door.getAddress();
        String host = (address.isAnyLocalAddress() ? LOOPBACK : address).getHostAddress();
        return List.of(
                "-netdev",
                "user,id=net,restrict=on,ipv6=off"
                        + ",hostfwd=tcp:127.0.0.1:0-:" + AGENT_PORT
                        + ",hostfwd=tcp:127.0.0.1:0-:" + STREAM_PORT
                        + ",guestfwd=tcp:" + GATEWAY + ":" + DOOR_PORT
                        + "-cmd:socat -t" + HALF_CLOSED_SECONDS + " STDIO TCP4:" + host + ":" + door.getPort());
    }

    @Override
    public String address() {
        return "10.0.2.15/24";
    }

    @Override
    public String proxy() {
        return GATEWAY + ":" + DOOR_PORT;
    }

    @Override
    public InetSocketAddress wanted() {
        return new InetSocketAddress(LOOPBACK, door.getPort());
    }

    @Override
    public Guard guard() {
        return Guard.THERE;
    }

    @Override
    public boolean spawns() {
        return true;
    }

    @Override
    public String text() {
        return "QEMU's own network stack, closed but for the gateway.";
    }

    @Override
    public Map<String, String> details() {
        return Map.of("network", KIND, "door", door.getAddress().getHostAddress() + ":" + door.getPort());
    }

    @Override
    public Ports ports(QmpClient qmp) throws IOException, InterruptedException {
        String table = qmp.execute("human-monitor-command", Map.of("command-line", "info usernet"), MONITOR)
                .asText();
        return new Ports(forwarded(table, AGENT_PORT), forwarded(table, STREAM_PORT));
    }

    /** Finds the host's port in what {@code info usernet} prints. */
    static InetSocketAddress forwarded(String table, int guestPort) throws IOException {
        Matcher line = Pattern.compile(
                        "TCP\\[HOST_FORWARD]\\s+\\d+\\s+127\\.0\\.0\\.1\\s+(\\d{1,5})\\s+\\S+\\s+" + guestPort + "\\s")
                .matcher(table);
        if (!line.find()) {
            throw new IOException("QEMU does not tell to which port of the host it forwards from " + guestPort);
        }
        return new InetSocketAddress(LOOPBACK, Integer.parseInt(line.group(1)));
    }
}
