package dev.sallyport.controller.store.postgres;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A running server. */
final class Postmaster {
    /** Looked at again at the latest after this, should the kernel have told nothing of a change. */
    private static final Duration LOOK_AGAIN = Duration.ofMillis(500);

    private final Process process;
    private final int port;

    private Postmaster(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    Process process() {
        return process;
    }

    int port() {
        return port;
    }

    /** A port that is free now on the loopback interface. */
    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }

    /**
     * Starts the server and waits until it takes connections: for its own word in the pid file, its end, or the deadline,
     * whichever comes first.
     */
    static Postmaster start(Cluster cluster, Binaries binaries, RunAs runAs, ServerLog log, int port, Deadline deadline)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                binaries.program("postgres").toString(),
                "-D",
                cluster.folder().toAbsolutePath().toString()));
        settings(port, cluster.socketFolder())
                .forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
        long mark = log.mark();
        Process process = runAs.command(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.file().toFile()))
                .start();
        boolean ready = false;
        try {
            process.getOutputStream().close();
            ready = awaitReady(cluster.folder(), process, deadline);
            if (!ready && process.isAlive()) {
                throw Failures.of("The database was not ready in time.", log.linesSince(mark, 20));
            }
            if (!ready) {
                throw Failures.of(
                        "The database ended with " + process.waitFor() + " when it was started on " + cluster.folder()
                                + ".",
                        log.linesSince(mark, 20));
            }
            return new Postmaster(process, port);
        } finally {
            if (!ready && process.isAlive()) {
                Signals.stop(process.toHandle(), binaries, runAs, LOOK_AGAIN);
            }
        }
    }

    private static boolean awaitReady(Path folder, Process process, Deadline deadline)
            throws IOException, InterruptedException {
        try (WatchService watch = folder.getFileSystem().newWatchService()) {
            folder.register(watch, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
            CompletableFuture<Void> _ = process.onExit().thenRun(() -> close(watch));
            while (process.isAlive() && !deadline.isOver()) {
                Optional<PidFile> file = PidFile.read(folder);
                if (file.isPresent()
                        && file.get().pid() == process.pid()
                        && file.get().ready()) {
                    return true;
                }
                long most = Math.min(LOOK_AGAIN.toMillis(), deadline.left().toMillis());
                WatchKey key = watch.poll(most, TimeUnit.MILLISECONDS);
                if (key != null) {
                    key.pollEvents();
                    key.reset();
                }
            }
            return false;
        } catch (ClosedWatchServiceException e) {
            // The process ended, and its end closed the watch.
            return false;
        }
    }

    private static void close(WatchService watch) {
        try {
            watch.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> settings(int port, String socketFolder) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("listen_addresses", "127.0.0.1");
        settings.put("port", Integer.toString(port));
        settings.put("unix_socket_directories", socketFolder);
        settings.put("unix_socket_permissions", "0700");
        settings.put("password_encryption", "scram-sha-256");
        // What is committed is on the disk.
        settings.put("fsync", "on");
        settings.put("synchronous_commit", "on");
        settings.put("full_page_writes", "on");
        // A small server: one controller's connections, no replicas, no parallel queries.
        settings.put("max_connections", "40");
        settings.put("shared_buffers", "32MB");
        settings.put("work_mem", "4MB");
        settings.put("maintenance_work_mem", "32MB");
        settings.put("min_wal_size", "16MB");
        settings.put("max_wal_size", "128MB");
        settings.put("wal_level", "minimal");
        settings.put("max_wal_senders", "0");
        settings.put("io_method", "sync");
        settings.put("jit", "off");
        settings.put("autovacuum_max_workers", "1");
        settings.put("max_worker_processes", "1");
        settings.put("max_parallel_workers", "0");
        settings.put("max_logical_replication_workers", "0");
        settings.put("timezone", "UTC");
        // The log holds the server's own life. Statements, their parameters and clients' errors, whose details quote
        // rows, go to
        // the client alone.
        settings.put("log_destination", "stderr");
        settings.put("logging_collector", "off");
        settings.put("log_timezone", "UTC");
        settings.put("log_min_messages", "log");
        settings.put("log_min_error_statement", "panic");
        settings.put("log_statement", "none");
        settings.put("log_min_duration_statement", "-1");
        settings.put("log_parameter_max_length", "0");
        settings.put("log_parameter_max_length_on_error", "0");
        settings.put("log_checkpoints", "off");
        return settings;
    }
}
