package dev.sallyport.machine;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A short run of another program, such as {@code mke2fs}, {@code ip} or {@code nft}: no shell between, a deadline, and at most
 * {@value #MAX_OUTPUT} bytes of its output kept.
 */
public final class Command {
    private static final int MAX_OUTPUT = 1 << 20;

    /**
     * What a program said.
     *
     * @param exitCode its exit code; 128 + the signal's number when it was killed, as it is when its deadline passed
     * @param output its standard output and error together, at most {@value #MAX_OUTPUT} bytes
     */
    public record Result(int exitCode, String output) {
        /** True when it ended with 0. */
        public boolean ok() {
            return exitCode == 0;
        }

        /** The last lines of the output, for evidence. */
        public List<String> lastLines() {
            List<String> lines = output.lines().filter(line -> !line.isBlank()).toList();
            return lines.subList(Math.max(0, lines.size() - 10), lines.size());
        }
    }

    private Command() {}

    /**
     * Where a program lies: on the PATH, or in the folders for system programs, which Debian leaves out of a common user's PATH
     * though some of them (mke2fs) are of use to everybody.
     *
     * @param program a name, or a path when it has a slash
     */
    public static Optional<Path> find(String program) {
        return find(program, Optional.ofNullable(System.getenv("PATH")).orElse("/usr/bin:/bin"));
    }

    static Optional<Path> find(String program, String path) {
        if (program.contains("/")) {
            return Optional.of(Path.of(program)).filter(Files::isExecutable);
        }
        for (String folder : (path + ":/usr/local/sbin:/usr/sbin:/sbin").split(":", -1)) {
            Path file = Path.of(folder, program);
            if (!folder.isEmpty() && Files.isExecutable(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    /**
     * Runs a program to its end.
     *
     * @param atMost when it is killed
     * @param input what it reads from its standard input
     * @param arguments the program, looked up as {@link #find} says, and its arguments
     * @return what it said
     * @throws FailureException {@code HYPERVISOR_MISSING} when there is no such program
     * @throws IOException when closing its streams fails
     * @throws InterruptedException when the calling thread is interrupted; the program has been killed then
     */
    public static Result run(Duration atMost, String input, List<String> arguments)
            throws IOException, InterruptedException {
        Process process;
        try {
            var command = new ArrayList<>(arguments);
            find(arguments.getFirst()).ifPresent(file -> command.set(0, file.toString()));
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.HYPERVISOR_MISSING,
                            "The program '" + arguments.getFirst() + "' cannot be run.",
                            String.valueOf(e.getMessage())),
                    e);
        }
        // Reading the output ends when the program does; this thread is what ends a program that does not.
        Thread watch = Thread.ofVirtual()
                .name("deadline of " + arguments.getFirst())
                .start(() -> {
                    try {
                        if (!process.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS)) {
                            process.destroyForcibly();
                        }
                    } catch (InterruptedException e) {
                        process.destroyForcibly();
                    }
                });
        try (OutputStream in = process.getOutputStream();
                InputStream out = process.getInputStream()) {
            feed(in, input);
            String output = read(out);
            return new Result(process.waitFor(), output);
        } finally {
            watch.interrupt();
        }
    }

    private static String read(InputStream out) {
        var kept = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        try {
            for (int count = out.read(buffer); count >= 0; count = out.read(buffer)) {
                kept.write(buffer, 0, Math.min(count, MAX_OUTPUT - kept.size()));
            }
        } catch (IOException e) {
            // Killing it at its deadline closes its streams; that it was killed is told by its exit code.
        }
        return kept.toString(StandardCharsets.UTF_8);
    }

    private static void feed(OutputStream in, String input) {
        try (in) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // It ended without reading all of it; its exit code and output say why, which this exception would hide.
        }
    }
}
