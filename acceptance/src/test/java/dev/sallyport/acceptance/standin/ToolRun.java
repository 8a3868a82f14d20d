package dev.sallyport.acceptance.standin;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.Folders;
import dev.sallyport.provider.Provider;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A tool's process: what it prints, how it ends. Closing ends it and its children. */
final class ToolRun implements AutoCloseable {
    private final Process process;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final List<String> output = Collections.synchronizedList(new ArrayList<>());
    private final CompletableFuture<Void> read;

    private ToolRun(Process process) {
        this.process = process;
        read = CompletableFuture.runAsync(this::read, task -> Thread.ofVirtual().start(task));
    }

    /** Starts {@code command} with {@code environment} and nothing else of this process's environment but PATH. */
    static ToolRun start(Path directory, Map<String, String> environment, List<String> command) throws IOException {
        var builder = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        String path = System.getenv("PATH");
        builder.environment().clear();
        builder.environment().put("PATH", path);
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        return new ToolRun(process);
    }

    /** The demo tool of the checkout: below the home when the launcher runs the tests, beside this module when Maven does. */
    static Path demo() {
        Path home = Folders.ofThisProcess().home();
        Path below = home.resolve("provider/demo-tool/bin/demo");
        return Files.exists(below) ? below : home.resolveSibling("provider/demo-tool/bin/demo");
    }

    /** Writes a program for {@code $BROWSER} that leaves the URL in {@code file}. */
    static Path browser(Path program, Path file) throws IOException {
        Files.writeString(
                program,
                "#!/bin/sh\nprintf '%s' \"$1\" > '" + file + ".new' && mv '" + file + ".new' '" + file + "'\n");
        return Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    }

    /** The URL that {@link #browser} was run with. The tool does not wait for its browser, and so it may come a moment later. */
    static String opened(Path file) throws IOException, InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!Files.exists(file) && System.nanoTime() < end) {
            TimeUnit.MILLISECONDS.sleep(20); // Another process writes the file, and nothing tells of that.
        }
        return Files.readString(file);
    }

    private void read() {
        try (var in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                output.add(line);
                lines.add(line);
            }
        } catch (IOException e) {
            output.add("(reading ended: " + e + ")");
        }
    }

    /** The first line from here on that begins with {@code prefix}. */
    String awaitLine(String prefix, Duration longest) throws InterruptedException {
        long end = System.nanoTime() + longest.toNanos();
        for (long left = longest.toNanos(); left > 0; left = end - System.nanoTime()) {
            String line = lines.poll(left, TimeUnit.NANOSECONDS);
            if (line != null && line.strip().startsWith(prefix)) {
                return line.strip();
            }
        }
        throw new AssertionError("no line that begins with " + prefix + " in:\n" + output());
    }

    /** What it exits with. */
    int exitCode(Duration longest) throws InterruptedException {
        if (!process.waitFor(longest)) {
            throw new AssertionError("still running after " + longest + ":\n" + output());
        }
        read.join();
        return process.exitValue();
    }

    /** What it printed, both streams. */
    String output() {
        return String.join("\n", List.copyOf(output)) + "\n";
    }

    /** What its provider's file says that its words mean: of the last line that means anything. */
    List<CauseCode> named(Provider provider) {
        for (String line : output().lines().toList().reversed()) {
            List<CauseCode> causes = provider.signIn().failures().stream()
                    .filter(failure ->
                            Provider.pattern(failure.pattern()).matcher(line).find())
                    .map(Provider.Failure::cause)
                    .toList();
            if (!causes.isEmpty()) {
                return causes;
            }
        }
        return List.of();
    }

    @Override
    public void close() {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        process.onExit().join();
        read.join();
    }
}
