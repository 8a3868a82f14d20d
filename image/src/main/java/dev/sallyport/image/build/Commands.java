package dev.sallyport.image.build;

import dev.sallyport.image.Failures;
import dev.sallyport.image.Workspace;
import dev.sallyport.image.journal.MarkedProcesses;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs other programs for one part of an image. All that they say goes to the part's log. */
final class Commands {
    /** Most characters of a line that are kept. */
    private static final int MAX_LINE = 4000;
    /** How long what was told to end may take, before it is killed. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    /** What other programs see of our environment: how to reach the world, and nothing else. */
    private static final List<String> PASSED_ON = List.of(
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "NODE_EXTRA_CA_CERTS");

    private final Path log;
    private final Workspace workspace;
    private final Map<String, String> environment;

    /** @param environment the builder's own, from which proxies are passed on */
    Commands(Path log, Workspace workspace, Map<String, String> environment) {
        this.log = log;
        this.workspace = workspace;
        this.environment = environment;
    }

    Path log() {
        return log;
    }

    /**
     * A command.
     *
     * @param line the program and its arguments
     * @param extra environment variables beside the usual ones
     * @param atMost how long it may take
     * @param listener of each line that it says
     */
    record Command(List<String> line, Map<String, String> extra, Duration atMost, Consumer<String> listener) {
        Command(List<String> line, Duration atMost) {
            this(line, Map.of(), atMost, said -> {});
        }
    }

    /**
     * Runs it to its end.
     *
     * @throws FailureException {@link CauseCode#DISK_FULL}, or {@link CauseCode#IMAGE_BUILD_FAILED} with its last lines, when it fails
     * @throws InterruptedException when this thread is interrupted; the command and all that it started are ended then
     */
    void run(Command command) throws InterruptedException {
        int exit;
        Deque<String> last = new ArrayDeque<>();
        try (Writer writer = Files.newBufferedWriter(
                log, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            writer.write("$ " + String.join(" ", command.line()).replace('\n', ' ') + "\n");
            try (Workspace.Running running = workspace.process(program(command))) {
                exit = runLogged(command, running, writer, last);
            }
            writer.write("exit " + exit + "\n");
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "'" + command.line().getFirst() + "' could not be run", e);
        }
        if (exit != 0) {
            List<String> evidence = new ArrayList<>(last);
            CauseCode code =
                    last.stream().anyMatch(Failures::isDiskFull) ? CauseCode.DISK_FULL : CauseCode.IMAGE_BUILD_FAILED;
            throw new FailureException(new Cause(
                    code,
                    "'" + command.line().getFirst() + "' ended with " + exit + "; its log is " + log + ".",
                    evidence));
        }
    }

    /** Its name, without the folders that it lies in. */
    private static String program(Command command) {
        String program = command.line().getFirst();
        return program.substring(program.lastIndexOf('/') + 1);
    }

    private int runLogged(Command command, Workspace.Running running, Writer writer, Deque<String> last)
            throws IOException, InterruptedException {
        // A session of its own, so that all of it can be ended at once.
        List<String> line = new ArrayList<>(List.of("setsid"));
        line.addAll(command.line());
        var builder = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .directory(workspace.folder().toFile());
        Map<String, String> variables = builder.environment();
        variables.clear();
        for (String name : PASSED_ON) {
            @Nullable String value = environment.get(name);
            if (value != null) {
                variables.put(name, value);
            }
        }
        variables.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        variables.put("HOME", environment.getOrDefault("HOME", "/"));
        variables.put("LC_ALL", "C.UTF-8");
        // What it makes for itself goes with the workspace.
        variables.put("TMPDIR", workspace.folder().toString());
        variables.put(MarkedProcesses.VARIABLE, running.marker());
        variables.putAll(command.extra());
        Process process = builder.start();
        running.started();
        process.getOutputStream().close();
        Thread reader = Thread.ofVirtual().start(() -> read(process, writer, last, command.listener()));
        try {
            if (!process.waitFor(command.atMost().toMillis(), TimeUnit.MILLISECONDS)) {
                end(process);
                reader.join();
                throw new FailureException(new Cause(
                        CauseCode.IMAGE_BUILD_FAILED,
                        "'" + command.line().getFirst() + "' took longer than "
                                + command.atMost().toSeconds() + " s; its log is " + log + ".",
                        new ArrayList<>(last)));
            }
            reader.join();
            return process.exitValue();
        } catch (InterruptedException e) {
            end(process);
            joinUninterrupted(reader);
            throw e;
        }
    }

    private static void read(Process process, Writer writer, Deque<String> last, Consumer<String> listener) {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String said = lines.readLine(); said != null; said = lines.readLine()) {
                String line = said.length() <= MAX_LINE ? said : said.substring(0, MAX_LINE);
                writer.write(line);
                writer.write('\n');
                synchronized (last) {
                    last.addLast(line);
                    if (last.size() > Cause.MAX_EVIDENCE) {
                        last.removeFirst();
                    }
                }
                listener.accept(line);
            }
        } catch (IOException e) {
            // The disk that holds the log is full, or the process was killed: its output cannot be had any more, and
            // who waits
            // for it must not wait for ever.
            synchronized (last) {
                last.addLast("the output could not be logged: " + e.getMessage());
            }
            endNow(process);
        }
    }

    /** Ends a process and its whole session: first politely, so that it tidies up after itself, then for good. */
    private static void end(Process process) {
        signal("TERM", process.pid());
        boolean interrupted = false;
        try {
            process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        endNow(process);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void endNow(Process process) {
        List<ProcessHandle> descendants = process.descendants().toList();
        signal("KILL", process.pid());
        descendants.forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /** A signal to a whole process group: {@code kill} is built into every shell, and the JDK has nothing of the kind. */
    private static void signal(String name, long group) {
        try {
            Process kill = new ProcessBuilder("sh", "-c", "kill -s " + name + " -- -" + group + " 2>/dev/null")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            kill.onExit()
                    .orTimeout(GRACE.toMillis(), TimeUnit.MILLISECONDS)
                    .exceptionally(late -> kill.destroyForcibly())
                    .join();
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "a process could not be ended", e);
        }
    }

    private static void joinUninterrupted(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
