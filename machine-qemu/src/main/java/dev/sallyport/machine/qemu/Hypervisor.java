package dev.sallyport.machine.qemu;

import dev.sallyport.machine.Command;
import dev.sallyport.machine.ConsoleLines;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.ProcessMemory;
import dev.sallyport.machine.ProcessPulse;
import dev.sallyport.machine.Pulse;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running QEMU process, with the last lines of what it says. */
final class Hypervisor {
    private static final Logger LOG = LoggerFactory.getLogger(Hypervisor.class);
    private static final int KEPT_LINES = 60;

    private final Process process;
    private final ArrayDeque<String> lines = new ArrayDeque<>();
    private final CompletableFuture<Void> outputEnded = new CompletableFuture<>();

    private Hypervisor(Process process) {
        this.process = process;
    }

    /**
     * Starts QEMU.
     *
     * @param arguments the program and its arguments
     * @param directory where it runs
     * @param marker by which it is found again, see {@link ProcessIdentity}
     * @throws FailureException {@code HYPERVISOR_MISSING} when there is no such program
     */
    static Hypervisor start(List<String> arguments, Path directory, String marker) {
        var command = new ArrayList<>(arguments);
        Command.find(arguments.getFirst()).ifPresent(file -> command.set(0, file.toString()));
        var builder = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        String path = environment.getOrDefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        // Nothing of this program's environment is QEMU's business: there may be secrets in it.
        environment.clear();
        environment.put("PATH", path);
        environment.put(ProcessIdentity.VARIABLE, marker);
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            var hypervisor = new Hypervisor(process);
            // Reading a pipe blocks the thread beneath a virtual one; few bytes come here, and so the stack may be
            // small.
            Thread.ofPlatform().daemon().name(marker).stackSize(128 * 1024).start(hypervisor::readOutput);
            return hypervisor;
        } catch (IOException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.HYPERVISOR_MISSING,
                            "The program '" + arguments.getFirst() + "' cannot be run.",
                            String.valueOf(e.getMessage())),
                    e);
        }
    }

    private void readOutput() {
        var splitter = new ConsoleLines(line -> {
            synchronized (lines) {
                if (lines.size() == KEPT_LINES) {
                    lines.remove();
                }
                lines.add(line);
            }
        });
        try (InputStream output = process.getInputStream()) {
            byte[] buffer = new byte[4096];
            int count = output.read(buffer);
            while (count >= 0) {
                splitter.accept(buffer, 0, count);
                count = output.read(buffer);
            }
        } catch (IOException e) {
            LOG.debug("the output of process {} ended with {}", process.pid(), e.toString());
        } finally {
            splitter.finish();
            outputEnded.complete(null);
        }
    }

    /** Completes with the exit code: 128 + the signal's number when it was killed. */
    CompletableFuture<Integer> exit() {
        return process.onExit().thenApply(Process::exitValue);
    }

    /** Whether it is at work, see {@link ProcessPulse}; empty when it has ended. */
    Optional<Pulse> pulse() {
        return ProcessPulse.of(process.toHandle());
    }

    /** Memory that it holds, see {@link ProcessMemory}; empty when it has ended. */
    OptionalLong residentBytes() {
        return ProcessMemory.of(process.toHandle());
    }

    /** Its last lines. */
    List<String> lastLines() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    /** Waits until all that it said has been read; a child of it may hold the pipe open, so only so long. */
    void awaitOutput(Duration atMost) throws InterruptedException {
        try {
            outputEnded.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            LOG.debug("the output of process {} is still open", process.pid());
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes this exceptionally", e);
        }
    }
}
