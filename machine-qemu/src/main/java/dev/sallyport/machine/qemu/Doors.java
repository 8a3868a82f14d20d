package dev.sallyport.machine.qemu;

import dev.sallyport.machine.EgressDoor;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** Has a machine's door opened where it is looked for. */
final class Doors {
    /** Ports that no kernel hands out by itself (Linux begins at 32768): nobody has one by chance when it is wanted again. */
    private static final int FIRST_PORT = 20_000;

    private static final int LAST_PORT = 32_767;
    private static final int TRIES = 16;

    private Doors() {}

    /**
     * Opens it at one place.
     *
     * @param port the port, or 0 for any
     * @throws FailureException {@code PORT_TAKEN} when it cannot be opened there
     */
    static InetSocketAddress open(EgressDoor egress, InetAddress address, int port) {
        try {
            return egress.open(address, port);
        } catch (IOException e) {
            throw taken(address, port, e.toString(), e);
        }
    }

    /**
     * Opens it at a port that is likely to be free again when the machine is adopted.
     *
     * @throws FailureException {@code PORT_TAKEN} when it cannot be opened at any
     */
    static InetSocketAddress openAnywhere(EgressDoor egress, InetAddress address) {
        for (int i = 0; i < TRIES; i++) {
            try {
                return egress.open(address, ThreadLocalRandom.current().nextInt(FIRST_PORT, LAST_PORT + 1));
            } catch (IOException e) {
                // Taken, by whatever name its opener has for that; the last try below names what is the matter.
            }
        }
        return open(egress, address, 0);
    }

    /**
     * Opens it where it was.
     *
     * @throws FailureException {@code PORT_TAKEN} when it cannot be opened there
     */
    static void again(EgressDoor egress, InetSocketAddress door) {
        InetSocketAddress now = open(egress, door.getAddress(), door.getPort());
        if (now.getPort() != door.getPort()) {
            throw taken(door.getAddress(), door.getPort(), "it listens on " + now + " instead", null);
        }
    }

    private static FailureException taken(
            InetAddress address, int port, String evidence, @Nullable IOException thrown) {
        var cause = Cause.of(
                CauseCode.PORT_TAKEN,
                "The egress gateway cannot listen on " + address.getHostAddress() + " port " + port + ".",
                evidence);
        return thrown == null ? new FailureException(cause) : new FailureException(cause, thrown);
    }
}
