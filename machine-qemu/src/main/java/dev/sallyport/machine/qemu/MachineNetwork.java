package dev.sallyport.machine.qemu;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;

/** How one machine and its host are joined. */
interface MachineNetwork {
    /** The machine's ports as the host reaches them. */
    record Ports(InetSocketAddress agent, InetSocketAddress streams) {}

    /**
     * The address of a machine's network card, of our own making (the second bit). Each is alone on its network, so that all may have
     * the same: a template's memory holds one, and its host knows it without asking a machine that is not there yet.
     */
    String MAC = "02:53:00:00:00:02";

    /** The agent's HTTP port in the machine. */
    int AGENT_PORT = 8080;
    /** The agent's stream port in the machine. */
    int STREAM_PORT = 8081;
    /** The egress gateway's port as the machine sees it. */
    int DOOR_PORT = 3128;

    /** Its kind, in one word. */
    String kind();

    /** QEMU's arguments for the backend named {@code net}. */
    List<String> arguments();

    /** The machine's address with the length of its network's prefix. */
    String address();

    /** The egress gateway as the machine sees it, {@code HOST:PORT}. */
    String proxy();

    /** Where the egress gateway is asked to listen on the host, now and whenever the machine is adopted. */
    InetSocketAddress wanted();

    /** To be waited for before the machine runs. */
    Guard guard();

    /** True when QEMU must be able to start programs for it. */
    boolean spawns();

    /** One sentence for people. */
    String text();

    /** Facts for the timeline. */
    Map<String, String> details();

    /**
     * Where the machine's ports are.
     *
     * @param qmp the running QEMU's monitor
     * @throws IOException when QEMU does not tell
     * @throws InterruptedException when the calling thread is interrupted
     */
    Ports ports(QmpClient qmp) throws IOException, InterruptedException;
}
