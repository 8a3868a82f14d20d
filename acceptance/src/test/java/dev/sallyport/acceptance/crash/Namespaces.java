package dev.sallyport.acceptance.crash;

import dev.sallyport.machine.Command;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;

/** Network namespaces on one bridge, each as a host of its own: {@code 10.199.77.N}; this host is {@code 10.199.77.1}. */
final class Namespaces {
    private static final String BRIDGE = "spcrash";
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private final int count;

    private Namespaces(int count) {
        this.count = count;
    }

    static Namespaces open(int count) throws IOException, InterruptedException {
        var made = new Namespaces(count);
        made.remove(); // What a run before may have left.
        run("ip", "link", "add", BRIDGE, "type", "bridge");
        run("ip", "addr", "add", "10.199.77.1/24", "dev", BRIDGE);
        run("ip", "link", "set", BRIDGE, "up");
        for (int host = 1; host <= count; host++) {
            run("ip", "netns", "add", name(host));
            run("ip", "link", "add", name(host), "type", "veth", "peer", "name", "eth0", "netns", name(host));
            run("ip", "link", "set", name(host), "master", BRIDGE, "up");
            run("ip", "-n", name(host), "addr", "add", address(host) + "/24", "dev", "eth0");
            run("ip", "-n", name(host), "link", "set", "eth0", "up");
            run("ip", "-n", name(host), "link", "set", "lo", "up");
        }
        return made;
    }

    static InetAddress bridge() {
        return InetAddress.ofLiteral("10.199.77.1");
    }

    static String address(int host) {
        return "10.199.77." + (10 + host);
    }

    /** What runs a program as that host. */
    static List<String> on(int host) {
        return List.of("ip", "netns", "exec", name(host));
    }

    /** Cuts a host off, or joins it again. */
    static void join(int host, boolean joined) throws IOException, InterruptedException {
        run("ip", "link", "set", name(host), joined ? "up" : "down");
    }

    void remove() throws IOException, InterruptedException {
        for (int host = 1; host <= count; host++) {
            Command.run(DEADLINE, "", List.of("ip", "netns", "delete", name(host)));
            Command.run(DEADLINE, "", List.of("ip", "link", "delete", name(host)));
        }
        Command.run(DEADLINE, "", List.of("ip", "link", "delete", BRIDGE));
    }

    private static String name(int host) {
        return "spcrash" + host;
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Command.Result result = Command.run(DEADLINE, "", List.of(command));
        if (!result.ok()) {
            throw new IOException(String.join(" ", command) + ": " + result.output());
        }
    }
}
