package dev.sallyport.acceptance.crash;

import dev.sallyport.cli.AdminTokenFile;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.model.Folders;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A {@link ControllerProcess} as its test sees it. */
final class KillableController {
    private static final Duration UP = Duration.ofMinutes(3);

    private final Process process;
    private final Folders folders;
    private final CompletableFuture<URI> ready = new CompletableFuture<>();
    private final Path log;

    private KillableController(Process process, Folders folders, Path log) {
        this.process = process;
        this.folders = folders;
        this.log = log;
    }

    /**
     * Starts one.
     *
     * @param prefix programs and arguments before Java's, such as {@code ip netns exec NAME}
     * @param arguments for {@link ControllerProcess} beyond the folders
     * @param log where what it logs goes, appended
     */
    static KillableController start(Folders folders, List<String> prefix, Map<String, String> arguments, Path log)
            throws IOException {
        Files.createDirectories(folders.data());
        Map<String, String> all = new HashMap<>(arguments);
        all.put("cache", folders.cache().toString());
        all.put("data", folders.data().toString());
        all.put("home", folders.home().toString());
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ControllerProcess.class.getName()));
        all.forEach((name, value) -> command.add(name + "=" + value));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        var made = new KillableController(process, folders, log);
        Thread.ofPlatform().daemon().name("output of " + process.pid()).start(made::read);
        return made;
    }

    private void read() {
        try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("READY ")) {
                    ready.complete(URI.create(line.substring(6)));
                }
            }
            ready.completeExceptionally(new IOException("it ended before it served"));
        } catch (IOException e) {
            ready.completeExceptionally(e);
        }
    }

    /** Waits until it serves; empty when it ended before. */
    Optional<ApiClient> awaitUp() throws InterruptedException {
        try {
            URI address = ready.get(UP.toSeconds(), TimeUnit.SECONDS);
            return Optional.of(new ApiClient(address, AdminTokenFile.read(folders.data())));
        } catch (ExecutionException e) {
            return Optional.empty();
        } catch (TimeoutException e) {
            throw new AssertionError("it did not come up in " + UP + "; see " + log, e);
        }
    }

    /** True when it has ended, or does so within a moment: what it held breaks first. */
    boolean hasDied() throws InterruptedException {
        return process.waitFor(2, TimeUnit.SECONDS);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    ProcessHandle handle() {
        return process.toHandle();
    }

    /** Sends it a signal, such as STOP. */
    void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    /** As {@code kill -9}; returns when it is gone. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** The exit status, once it has ended. */
    int awaitEnd() throws InterruptedException {
        return process.waitFor();
    }

    /** Ends it in good order. */
    void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            process.destroyForcibly().waitFor();
            throw new AssertionError("it did not end; see " + log);
        }
    }
}
