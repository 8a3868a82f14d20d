package dev.sallyport.controller.store.postgres;

import dev.sallyport.controller.store.postgres.EmbeddedPostgres.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** A controller of its own process that does nothing but hold a server, until its input ends. */
final class PostgresHolder {
    private PostgresHolder() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        var settings = new Settings(
                Path.of(arguments[0]),
                Path.of(arguments[1]),
                arguments[2],
                Duration.ofMinutes(1),
                Duration.ofSeconds(20));
        try (var server = EmbeddedPostgres.start(settings)) {
            var line =
                    "READY " + server.started().pid() + " " + server.started().firstStart() + "\n";
            System.out.write(line.getBytes(StandardCharsets.US_ASCII));
            System.out.flush();
            while (System.in.read() >= 0) {
                // Nothing is said here; only the end counts.
            }
        }
    }
}
