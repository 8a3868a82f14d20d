package dev.sallyport.controller.store.postgres;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Ends a server: fast shutdown first (SIGINT: clients are cut off, everything is written), then immediate shutdown (SIGQUIT: the
 * next start recovers), then SIGKILL.
 *
 * <p>Source: PostgreSQL's documentation, "Shutting Down the Server".
 */
final class Signals {
    private static final Duration LAST_PATIENCE = Duration.ofSeconds(5);

    private Signals() {}

    static void stop(ProcessHandle server, Binaries binaries, RunAs runAs, Duration patience)
            throws IOException, InterruptedException {
        send("INT", server, binaries, runAs);
        if (OldServer.ended(server, patience)) {
            return;
        }
        send("QUIT", server, binaries, runAs);
        if (OldServer.ended(server, LAST_PATIENCE)) {
            return;
        }
        server.destroyForcibly();
        if (!OldServer.ended(server, LAST_PATIENCE)) {
            throw FailureException.of(
                    CauseCode.DATABASE_FAILED,
                    "The database's process " + server.pid() + " does not end, even when killed.");
        }
    }

    /** Java sends SIGTERM and SIGKILL alone; pg_ctl sends the others, as the server's own user. */
    private static void send(String signal, ProcessHandle server, Binaries binaries, RunAs runAs)
            throws IOException, InterruptedException {
        if (!server.isAlive()) {
            return;
        }
        Process sender = runAs.command(
                        List.of(binaries.program("pg_ctl").toString(), "kill", signal, Long.toString(server.pid())))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        // A refusal has one reason, that the process is gone; whether it is, is looked at next.
        if (!sender.waitFor(LAST_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
            sender.destroyForcibly();
        }
    }
}
