package dev.sallyport.image;

import dev.sallyport.image.journal.MarkedProcesses;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A process that begins to build, says so, and waits to be killed. */
final class KilledBuilder {
    private KilledBuilder() {}

    static Process start(Path cache) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        KilledBuilder.class.getName(),
                        cache.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** The pid of what it started. */
    static long awaitSleeper(Process builder) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(builder.getInputStream(), StandardCharsets.UTF_8));
        String line = lines.readLine();
        if (line == null) {
            throw new IOException("the builder ended with nothing said");
        }
        return Long.parseLong(line);
    }

    public static void main(String[] args) throws IOException {
        Workspace workspace = ImageStore.open(Path.of(args[0])).workspace("killed");
        Files.write(workspace.folder().resolve("half-made"), new byte[1 << 16]);
        var sleeper = new ProcessBuilder(List.of("setsid", "sleep", "600"));
        sleeper.environment()
                .put(MarkedProcesses.VARIABLE, workspace.process("sleep").marker());
        System.out.println(sleeper.start().pid());
        System.out.flush();
        System.in.read();
    }
}
