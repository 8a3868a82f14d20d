package dev.sallyport.machine.qemu;

import dev.sallyport.machine.ConsoleLines;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.ProcessMemory;
import dev.sallyport.machine.ProcessPulse;
import dev.sallyport.machine.ProcessShare;
import dev.sallyport.machine.Pulse;
import dev.sallyport.machine.Share;
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

/** A QEMU that this process has started, with the last lines of what it says. */
final class StartedHypervisor implements Hypervisor {
    private static final Logger LOG = LoggerFactory.getLogger(StartedHypervisor.class);
    private static final int KEPT_LINES = 60;

    private final Process process;
    /** One for all who ask: each that a process gives is another, and is done a moment after the process. */
    private final CompletableFuture<Integer> exit;

    private final ArrayDeque<String> lines = new ArrayDeque<>();
    private final CompletableFuture<Void> outputEnded = new CompletableFuture<>();

    private StartedHypervisor(Process process) {
        this.process = process;
        this.exit = process.onExit().thenApply(Process::exitValue);
    }

    /**
     * Starts QEMU, in a session of its own: what a terminal sends to the programs in it (Ctrl-C, its end) does not reach it.
     *
     * @param arguments the program and its arguments
     * @param directory where it runs
     * @param input what it reads as its input; empty for nothing
     * @param marker by which it is found again, see {@link ProcessIdentity}
     * @throws FailureException {@code HYPERVISOR_MISSING} when there is no such program
     */
    static StartedHypervisor start(List<String> arguments, Path directory, Optional<Path> input, String marker) {
        // A child of this process leads no group, so setsid(1) becomes the program itself, with the same pid.
        var command = new ArrayList<>(List.of(
                QemuDriver.onPath("setsid").toString(),
                QemuDriver.onPath(arguments.getFirst()).toString()));
        command.addAll(arguments.subList(1, arguments.size()));
        var builder = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        input.ifPresent(file -> builder.redirectInput(file.toFile()));
        Map<String, String> environment = builder.environment();
        String path = environment.getOrDefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        // Nothing of this program's environment is QEMU's business: there may be secrets in it.
        environment.clear();
        environment.put("PATH", path);
        environment.put(ProcessIdentity.VARIABLE, marker);
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            var hypervisor = new StartedHypervisor(process);
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

    /** By which it is found again; empty when it has ended. */
    Optional<ProcessIdentity> identity() {
        return ProcessIdentity.of(process.pid());
    }

    @Override
    public CompletableFuture<Integer> exit() {
        return exit;
    }

    @Override
    public Optional<Pulse> pulse() {
        return ProcessPulse.of(process.toHandle());
    }

    @Override
    public OptionalLong residentBytes() {
        return ProcessMemory.of(process.toHandle());
    }

    @Override
    public void take(Share share) {
        ProcessShare.set(process.toHandle(), share);
    }

    @Override
    public List<String> lastLines() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    @Override
    public void awaitOutput(Duration atMost) throws InterruptedException {
        try {
            outputEnded.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            LOG.debug("the output of process {} is still open", process.pid());
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes this exceptionally", e);
        }
    }

    /** Its words are read on and forgotten, so that this end of its pipe is no cause of a wait. */
    @Override
    public void leave() {}
}
