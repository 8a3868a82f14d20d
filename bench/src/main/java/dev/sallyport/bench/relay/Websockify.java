package dev.sallyport.bench.relay;

import dev.sallyport.bench.process.ProcessFigures;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A websockify of Debian's, from a port of its own to the source's plain port. It forks for each connection. */
final class Websockify implements Way, AutoCloseable {
    private static final Path PROGRAM = Path.of("/usr/bin/websockify");
    private static final long UP_SECONDS = 30;
    private static final long INSTALL_MINUTES = 10;

    private final Process process;
    private final int port;

    private Websockify(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** Has Debian's package installed; only this benchmark needs it. */
    static void install(Path log, PrintStream out) throws IOException, InterruptedException {
        if (Files.isExecutable(PROGRAM)) {
            return;
        }
        String command = "apt-get update && apt-get install --no-install-recommends --yes websockify";
        if (!"root".equals(System.getProperty("user.name"))) {
            throw FailureException.of(
                    CauseCode.UNKNOWN,
                    "This benchmark compares with websockify. Run this once: sudo sh -c '" + command + "'");
        }
        out.println("  installing the Debian package websockify, which this benchmark compares with ...");
        var builder = new ProcessBuilder("sh", "-c", command);
        builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
        Process installing = builder.redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(log.toFile())
                .start();
        if (!installing.waitFor(INSTALL_MINUTES, TimeUnit.MINUTES)) {
            installing.destroy();
        }
        if (!Files.isExecutable(PROGRAM)) {
            throw FailureException.of(CauseCode.UNKNOWN, "websockify could not be installed; see " + log);
        }
    }

    /** Starts one and waits until it takes connections. */
    static Websockify start(int source, Path log) throws IOException, InterruptedException {
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Process process = new ProcessBuilder(List.of(PROGRAM.toString(), "127.0.0.1:" + port, "127.0.0.1:" + source))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        var started = new Websockify(process, port);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(UP_SECONDS);
        while (!listens(port)) {
            if (System.nanoTime() > deadline || process.waitFor(50, TimeUnit.MILLISECONDS)) {
                started.close();
                throw FailureException.of(CauseCode.UNKNOWN, "websockify did not start; see " + log);
            }
        }
        return started;
    }

    private static boolean listens(int port) {
        try (SocketChannel channel = TcpWire.connect(port)) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public Wire open() throws IOException {
        return WebSocketWire.open(port, "/websockify");
    }

    /** Of the processes that relay now, and of the one that forked them. */
    @Override
    public double cpuSeconds() {
        return ProcessFigures.cpuSeconds(process.pid())
                + process.descendants()
                        .mapToDouble(child -> ProcessFigures.cpuSeconds(child.pid()))
                        .sum();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
    }
}
