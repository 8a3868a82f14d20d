package dev.sallyport.agent;

import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.Child;
import dev.sallyport.agent.linux.KernelRandom;
import dev.sallyport.agent.linux.Launch;
import dev.sallyport.agent.linux.Processes;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a template does so that its clones are not the first to: a whole sign-in by a tool that is none, and each tool, asked for its
 * version. Code that runs for the first time is loaded and linked, which takes an emulated machine a second of its user's time, and files that are
 * read for the first time come from a disk. Nothing that a user could tell is left of it, and a template that cannot do it is one all the same.
 */
final class Rehearsal {
    private static final Duration TOOL_LIMIT = Duration.ofSeconds(60);
    private static final Duration GRACE = Duration.ofSeconds(1);

    /** Java's SecureRandom uses what it read from the kernel for a tenth of a second: none of that may be in the snapshot. */
    private static final Duration RANDOM_KEPT = Duration.ofMillis(200);

    private static final String MARKER = "SALLYPORT_REHEARSAL";

    private final Tools tools;
    private final Processes processes;
    private final Log log;

    Rehearsal(Tools tools, Processes processes, Log log) {
        this.tools = tools;
        this.processes = processes;
        this.log = log;
    }

    /** Comes back when all of it is over. */
    void run() throws InterruptedException {
        long began = System.nanoTime();
        try {
            Training.run(new Log(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)));
            for (Path folder : tools.folders()) {
                askVersions(folder);
            }
            log.line("rehearsed a sign-in and the tools in "
                    + Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms");
        } catch (IOException | RuntimeException e) {
            log.line("the rehearsal was broken off: " + e);
        }
        Thread.sleep(RANDOM_KEPT);
    }

    private void askVersions(Path folder) throws IOException, InterruptedException {
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> programs = Files.newDirectoryStream(folder)) {
                for (Path program : programs) {
                    askVersion(program);
                }
            }
        }
    }

    private void askVersion(Path program) throws IOException, InterruptedException {
        String marker = KernelRandom.uuid().toString();
        Child child = processes.start(
                new Launch(
                        Account.commandAs(tools.account(), List.of(program.toString(), "--version")),
                        // No home: what a tool would leave there would be in all clones.
                        Map.of("HOME", "/nonexistent", "LANG", "C.UTF-8", "PATH", tools.searchPath(), MARKER, marker),
                        Path.of("/"),
                        new Launch.Streams.Pipes()),
                (bytes, length) -> {});
        try {
            child.closeInput();
            if (child.awaitExit(TOOL_LIMIT).isEmpty()) {
                log.line(program.getFileName() + " did not tell its version within " + TOOL_LIMIT.toSeconds() + " s");
            }
        } finally {
            child.endAll(GRACE, MARKER + "=" + marker);
        }
    }
}
