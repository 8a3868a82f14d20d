package dev.sallyport.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How machines can be reached: by TAP devices with rules, which are tried as root, or by the hypervisor's own network stack. */
final class NetworkCheck implements Check {
    private static final Path TUN = Path.of("/dev/net/tun");

    /** Makes a device with its rules and removes them. */
    interface Probe {
        Answer run() throws IOException, InterruptedException;
    }

    private final boolean root;
    private final Probe probe;

    NetworkCheck(boolean root, Probe probe) {
        this.root = root;
        this.probe = probe;
    }

    @Override
    public String name() {
        return "network";
    }

    @Override
    public List<Finding> look() throws IOException, InterruptedException {
        return List.of(judge(root, Files.exists(TUN), root ? probe.run() : new Answer(false, "")));
    }

    static Finding judge(boolean root, boolean tun, Answer answer) {
        if (!root) {
            return Finding.ok("Machines use the hypervisor's own network stack; TAP devices need root.");
        }
        if (answer.usable()) {
            return Finding.ok(answer.reason() + ".");
        }
        return Finding.warning(
                "TAP devices with rules cannot be made: " + answer.reason()
                        + ". Machines use the hypervisor's own network stack instead.",
                tun
                        ? "In a container give it CAP_NET_ADMIN; on a host load the kernel's module nf_tables."
                        : "Load the kernel's module tun ('modprobe tun'), or pass " + TUN + " into the container.");
    }
}
