package dev.sallyport.agent;

import java.io.PrintStream;
import java.time.Instant;

/** One line an event to standard error, which the machine's journal and console take. Never a secret, never a URL's query. */
public final class Log {
    private final PrintStream out;

    /** Logs to {@code out}. */
    public Log(PrintStream out) {
        this.out = out;
    }

    /** Writes one line; control characters become spaces. */
    public void line(String text) {
        var line = new StringBuilder(text.length() + 48)
                .append(Instant.now())
                .append(" sallyport-agent: ");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            line.append(Character.isISOControl(c) ? ' ' : c);
        }
        out.println(line);
    }

    /** Writes what failed and the failure's kind and message. */
    public void failure(String what, Throwable thrown) {
        line(what + ": " + thrown.getClass().getSimpleName() + ": " + thrown.getMessage());
    }
}
