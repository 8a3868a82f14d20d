package dev.sallyport.agent;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Optional;

/**
 * Looks whether the machine's way out takes connections, on a thread of its own: part {@code egress} is {@code starting}, then
 * {@code ok}, or {@code failed} with the reason after a few attempts. It goes on looking after a failure, as a gateway may come back.
 */
final class EgressCheck implements AutoCloseable {
    /** The part's name in the agent's health. */
    static final String EGRESS = "egress";

    /**
     * How patient it is.
     *
     * @param attempts so many failures make it failed
     * @param between between two attempts
     * @param later between two attempts once it has failed
     * @param answer how long a connection may take to come about; what is refused is refused at once, so that only silence takes this
     *     long
     * @param held a gateway that is there holds a new connection and waits for a request; what forwards to one that is not there
     *     ends it. So long it must hold
     */
    record Patience(int attempts, Duration between, Duration later, Duration answer, Duration held) {
        static final Patience USUAL = new Patience(
                3, Duration.ofMillis(600), Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofMillis(400));
    }

    private final String host;
    private final int port;
    private final String name;
    private final Patience patience;
    private final Parts parts;
    private final Log log;
    private final Thread thread;

    private EgressCheck(String host, int port, Patience patience, Parts parts, Log log, Runnable before) {
        this.host = host;
        this.port = port;
        name = host + ":" + port;
        this.patience = patience;
        this.parts = parts;
        this.log = log;
        parts.set(EGRESS, Parts.STARTING);
        thread = Thread.ofVirtual().name(EGRESS).unstarted(() -> {
            before.run();
            look();
        });
    }

    /**
     * Begins to look.
     *
     * @param proxy {@code HOST:PORT}; nothing is looked for when it is empty
     * @param before returns when looking takes nobody's time any more
     * @throws IllegalArgumentException when it is of another form
     */
    static Optional<EgressCheck> start(String proxy, Patience patience, Parts parts, Log log, Runnable before) {
        if (proxy.isEmpty()) {
            return Optional.empty();
        }
        int colon = proxy.lastIndexOf(':');
        String port = proxy.substring(colon + 1);
        if (colon <= 0 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535) {
            throw new IllegalArgumentException("the fact proxy is '" + proxy + "', and no HOST:PORT");
        }
        var check = new EgressCheck(proxy.substring(0, colon), Integer.parseInt(port), patience, parts, log, before);
        check.thread.start();
        return Optional.of(check);
    }

    /** Waits until it is ok, but not longer. */
    void await(Duration atMost) throws InterruptedException {
        thread.join(atMost);
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    private void look() {
        try {
            String problem = attempt();
            for (int failures = 1; !problem.isEmpty(); failures++) {
                if (failures == patience.attempts()) {
                    parts.fail(EGRESS, problem);
                    log.line("the way out: " + problem);
                }
                Thread.sleep(failures < patience.attempts() ? patience.between() : patience.later());
                problem = attempt();
            }
            parts.set(EGRESS, Parts.OK);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The agent ends.
        }
    }

    /** What is wrong; empty when nothing is. */
    private String attempt() {
        // Looking a name up takes its time, and may turn out otherwise the next time.
        var proxy = new InetSocketAddress(host, port);
        if (proxy.isUnresolved()) {
            return "the name of " + name + " is not known";
        }
        try (var socket = new Socket()) {
            socket.connect(proxy, (int) patience.answer().toMillis());
            socket.setSoTimeout((int) patience.held().toMillis());
            try {
                return socket.getInputStream().read() < 0 ? "connection closed at once by " + name : "";
            } catch (SocketTimeoutException e) {
                return "";
            } catch (SocketException e) {
                return "connection reset at once by " + name;
            }
        } catch (SocketTimeoutException e) {
            return "no answer from " + name;
        } catch (ConnectException e) {
            return String.valueOf(e.getMessage()).contains("refused")
                    ? "connection refused by " + name
                    : "no connection to " + name + ": " + e.getMessage();
        } catch (IOException e) {
            return "no connection to " + name + ": " + e.getMessage();
        }
    }
}
