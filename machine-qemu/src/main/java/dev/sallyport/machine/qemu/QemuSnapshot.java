package dev.sallyport.machine.qemu;

import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * Makes a template of a running QEMU: the guest stops, its devices' state is taken as a migration that leaves the memory out (it
 * lies in its file already), and the empty overlay of its disk is formatted.
 */
final class QemuSnapshot {
    /** The kind of a folder for a moment, in which QEMU finds the socket that takes the state. */
    static final String STATE_FOLDER = "state-folder";

    /** Of an overlay's file, opened with QEMU's rights before it gave them up. */
    static final String OVERLAY_NODE = "overlay-file";

    private static final Duration COMMAND = Duration.ofSeconds(20);
    private static final Duration TRANSFER = Duration.ofSeconds(60);

    /** Measured at 67 kB. */
    private static final long MAX_STATE = 64L << 20;

    private static final String FOLDER_PREFIX = "sallyport-state-";
    private static final String SOCKET = "s";

    private final QemuTemplate template;
    private final TemplateKey key;
    private final long diskBytes;
    private final Map<String, String> network;
    private final String user;
    private final MadeThings made;

    /**
     * @param network the machine's own, for people
     * @param user as whom QEMU runs; empty for whom this process runs as
     */
    QemuSnapshot(
            QemuTemplate template,
            TemplateKey key,
            long diskBytes,
            Map<String, String> network,
            String user,
            MadeThings made) {
        this.template = template;
        this.key = key;
        this.diskBytes = diskBytes;
        this.network = network;
        this.user = user;
        this.made = made;
    }

    void run(QmpClient qmp, QemuMachine.Events events) throws InterruptedException {
        try {
            qmp.execute("stop", Map.of(), COMMAND);
            format(qmp);
            qmp.execute("migrate-set-capabilities", QemuRestore.CAPABILITIES, COMMAND);
            save(qmp, events);
            template.seal(key, network);
        } catch (IOException e) {
            if (Thread.interrupted()) {
                var interrupted = new InterruptedException("interrupted while a template was made");
                interrupted.initCause(e);
                throw interrupted;
            }
            boolean full = String.valueOf(e.getMessage()).contains("No space left on device");
            throw new FailureException(
                    Cause.of(
                            full ? CauseCode.DISK_FULL : CauseCode.TEMPLATE_FAILED,
                            "The machine could not be saved.",
                            e.toString()),
                    e);
        } catch (ExecutionException | TimeoutException e) {
            throw new FailureException(
                    Cause.of(CauseCode.TEMPLATE_FAILED, "The machine's state was not saved.", e.toString()), e);
        }
    }

    /** QEMU writes its own format. */
    private void format(QmpClient qmp) throws IOException, InterruptedException {
        String job = "overlay";
        qmp.execute(
                "blockdev-create",
                Map.of(
                        "job-id",
                        job,
                        "options",
                        Map.of("driver", "qcow2", "file", OVERLAY_NODE, "size", diskBytes, "lazy-refcounts", true)),
                COMMAND);
        awaitJob(qmp, job);
        qmp.execute("job-dismiss", Map.of("id", job), COMMAND);
        // What it holds back is written when it is closed.
        qmp.execute("blockdev-del", Map.of("node-name", OVERLAY_NODE), COMMAND);
    }

    private static void awaitJob(QmpClient qmp, String job) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + COMMAND.toNanos();
        while (System.nanoTime() < deadline) {
            for (var each : qmp.execute("query-jobs", Map.of(), COMMAND)) {
                if (each.path("id").asText().equals(job)
                        && each.path("status").asText().equals("concluded")) {
                    if (each.has("error")) {
                        throw new IOException("the overlay was not made: "
                                + each.path("error").asText());
                    }
                    return;
                }
            }
            // Writing four clusters; its event has no more to say than this.
            TimeUnit.MILLISECONDS.sleep(5);
        }
        throw new IOException("the overlay was not made in " + COMMAND.toSeconds() + " s");
    }

    /** QEMU connects to a socket of ours as the user that it has become: so that lies in a folder of that user's. */
    private void save(QmpClient qmp, QemuMachine.Events events)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        Path folder = Path.of(System.getProperty("java.io.tmpdir"))
                .toAbsolutePath()
                .resolve(FOLDER_PREFIX
                        + Long.toUnsignedString(System.nanoTime(), 36)
                        + ProcessHandle.current().pid());
        var resource = new Resource(QemuDriver.NAME, STATE_FOLDER, folder.toString());
        made.intend(resource);
        try {
            Files.createDirectory(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Path socket = folder.resolve(SOCKET);
            try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                server.bind(UnixDomainSocketAddress.of(socket));
                if (!user.isEmpty()) {
                    var lookup = folder.getFileSystem().getUserPrincipalLookupService();
                    var owner = lookup.lookupPrincipalByName(user);
                    Files.setOwner(socket, owner);
                    Files.setOwner(folder, owner);
                }
                var received = new CompletableFuture<Long>();
                Thread.ofVirtual().name("state of a template").start(() -> receive(server, received));
                CompletableFuture<String> outcome = events.migration();
                qmp.execute("migrate", Map.of("uri", "unix:" + socket), COMMAND);
                String status = outcome.get(TRANSFER.toNanos(), TimeUnit.NANOSECONDS);
                if (!status.equals("completed")) {
                    throw new IOException("QEMU says of the state's transfer: " + status + " "
                            + qmp.execute("query-migrate", Map.of(), COMMAND)
                                    .path("error-desc")
                                    .asText());
                }
                received.get(TRANSFER.toNanos(), TimeUnit.NANOSECONDS);
            }
        } finally {
            made.undoIf(resource::equals);
        }
    }

    private void receive(ServerSocketChannel server, CompletableFuture<Long> received) {
        try (SocketChannel from = server.accept();
                FileChannel to = FileChannel.open(
                        template.of(QemuTemplate.STATE),
                        java.util.Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(256 * 1024);
            long total = 0;
            while (from.read(buffer) >= 0) {
                buffer.flip();
                total += buffer.remaining();
                if (total > MAX_STATE) {
                    throw new IOException("the devices' state takes more than " + MAX_STATE + " bytes");
                }
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
                buffer.clear();
            }
            received.complete(total);
        } catch (IOException e) {
            received.completeExceptionally(e);
        }
    }

    /** Removes a folder of {@link #STATE_FOLDER}; see {@link dev.sallyport.machine.MachineDriver#undo}. */
    static List<String> undo(Path folder) {
        Predicate<Path> ours = each -> each.isAbsolute()
                && String.valueOf(each.getFileName()).startsWith(FOLDER_PREFIX)
                && !Files.isSymbolicLink(each);
        if (!ours.test(folder)) {
            return List.of("not a folder of ours: " + folder);
        }
        try {
            Files.deleteIfExists(folder.resolve(SOCKET));
            Files.deleteIfExists(folder);
            return List.of();
        } catch (IOException e) {
            return List.of("folder " + folder + ": " + e);
        }
    }
}
