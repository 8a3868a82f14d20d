package dev.sallyport.machine.qemu;

import dev.sallyport.image.Digests;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.Resource;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whether KVM is of use by running a guest under it: on nested hosts the device opens, answers and makes virtual
 * machines in which nothing ever runs. The guest is an image's kernel and initramfs, which say {@code probe ok} and power off.
 * What it showed is kept for this boot of the host, this kernel, processor, QEMU and board.
 */
final class KvmProbe {
    /**
     * What probing showed.
     *
     * @param usable true when a guest ran
     * @param reason why not, or how long it took
     */
    record Verdict(boolean usable, String reason) {}

    private static final String PROOF = "sallyport-initramfs: probe ok";

    private final QemuOptions options;
    private final String user;
    private final Path device;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Verdict known;

    /**
     * @param options the program, board, cache folder and deadline
     * @param user whom QEMU becomes; empty for nobody else
     * @param device KVM's
     */
    KvmProbe(QemuOptions options, String user, Path device) {
        this.options = options;
        this.user = user;
        this.device = device;
    }

    /**
     * Probes, unless the answer is known.
     *
     * @param kernel the ELF kernel
     * @param initramfs the archive that knows {@code sallyport.probe}
     * @param directory where QEMU runs
     * @param driver the driver's name for the ledger
     * @param marker of the probing process
     * @param made told of the process before it is made
     * @throws IOException when the cache cannot be used
     * @throws InterruptedException when the calling thread is interrupted; the guest has been ended then
     */
    Verdict check(Path kernel, Path initramfs, Path directory, String driver, String marker, MadeThings made)
            throws IOException, InterruptedException {
        // Several machines that start at once wait here for one probe.
        lock.lockInterruptibly();
        try {
            if (known != null) {
                return known;
            }
            Verdict verdict = device();
            if (verdict == null) {
                Path file = file(kernel);
                verdict = read(file);
                if (verdict == null) {
                    verdict = run(kernel, initramfs, directory, driver, marker, made);
                    write(file, verdict);
                }
            }
            known = verdict;
            return verdict;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The answer, as far as it is known without running a guest.
     *
     * @param kernel the ELF kernel
     * @throws IOException when the cache cannot be used
     * @throws InterruptedException when the calling thread is interrupted
     */
    Optional<Verdict> known(Path kernel) throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            if (known == null) {
                known = device();
            }
            if (known == null) {
                known = read(file(kernel));
            }
            return Optional.ofNullable(known);
        } finally {
            lock.unlock();
        }
    }

    private Path file(Path kernel) throws IOException {
        return options.cache().resolve("kvm").resolve(key(kernel) + ".properties");
    }

    /** What the device alone tells; null when it may be of use. */
    private @Nullable Verdict device() {
        if (!Files.exists(device)) {
            return new Verdict(false, "there is no " + device);
        }
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.isOpen() ? null : new Verdict(false, device + " cannot be opened");
        } catch (IOException e) {
            return new Verdict(false, device + " cannot be opened: " + e.getMessage());
        }
    }

    private Verdict run(Path kernel, Path initramfs, Path directory, String driver, String marker, MadeThings made)
            throws InterruptedException {
        List<String> arguments = new QemuArguments(options, true, QemuArguments.Memory.of(256), 1, 0)
                .boot(kernel, initramfs, List.of(), OptionalLong.empty(), List.of("quiet", "sallyport.probe"))
                .consoleOnOutput()
                .confined(user, false)
                .toList();
        long began = System.nanoTime();
        made.intend(new Resource(driver, QemuDriver.PROCESS, marker));
        StartedHypervisor hypervisor = StartedHypervisor.start(arguments, directory, Optional.empty(), marker);
        try {
            int code = hypervisor.exit().get(options.kvmDeadline().toNanos(), TimeUnit.NANOSECONDS);
            hypervisor.awaitOutput(Duration.ofSeconds(2));
            List<String> lines = hypervisor.lastLines();
            boolean ran = code == 0 && lines.stream().anyMatch(line -> line.contains(PROOF));
            long took = Duration.ofNanos(System.nanoTime() - began).toMillis();
            return ran
                    ? new Verdict(true, "a guest ran under KVM, in " + took + " ms")
                    : new Verdict(
                            false,
                            "no guest runs under KVM here: QEMU ended with " + code + ": "
                                    + String.join(" | ", lines.subList(Math.max(0, lines.size() - 3), lines.size())));
        } catch (TimeoutException e) {
            List<String> lines = hypervisor.lastLines();
            return new Verdict(
                    false,
                    "a guest hangs under KVM here: within "
                            + options.kvmDeadline().toMillis() + " ms it "
                            + (lines.isEmpty() ? "said nothing" : "came to: " + lines.getLast()));
        } catch (ExecutionException e) {
            throw new IllegalStateException("a process's end cannot fail", e);
        } finally {
            // What could not be ended stays in the ledger.
            made.undoIf(resource -> resource.name().equals(marker));
        }
    }

    private String key(Path kernel) throws IOException {
        Path binary = QemuDriver.onPath(options.binary());
        String parts = String.join(
                "\n",
                "1",
                Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip(),
                Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip(),
                HostCpu.model(HostCpu.info()),
                // The package's version, without the 30 ms that asking the program takes.
                binary + " " + Files.size(binary) + " " + Files.getLastModifiedTime(binary),
                Files.size(kernel) + "",
                options.board().argument(),
                user);
        return Digests.of(parts).substring(0, 32);
    }

    private static @Nullable Verdict read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return null;
        }
        var properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        return new Verdict(
                Boolean.parseBoolean(properties.getProperty("usable")), properties.getProperty("reason", ""));
    }

    private static void write(Path file, Verdict verdict) throws IOException {
        Files.createDirectories(file.getParent());
        var properties = new Properties();
        properties.setProperty("usable", Boolean.toString(verdict.usable()));
        properties.setProperty("reason", verdict.reason());
        Path unfinished = Files.createTempFile(file.getParent(), "unfinished", "");
        try (Writer writer = Files.newBufferedWriter(unfinished)) {
            properties.store(writer, "Probed " + Instant.now());
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
