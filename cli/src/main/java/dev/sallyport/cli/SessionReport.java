package dev.sallyport.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.machine.ConsoleLines;
import java.io.PrintStream;
import java.util.List;

/** Prints how a sign-in ended for people. What came out of machines is made safe for a terminal. */
final class SessionReport {
    /** Signed in. */
    static final int DONE = 0;
    /** Cancelled, or not finished in time. */
    static final int NOT_DONE = 1;
    /** Failed, with a named cause. */
    static final int FAILED = 3;

    private SessionReport() {}

    /**
     * Prints the proof of a sign-in that was completed to {@code out}, and why one was not to {@code errors}.
     *
     * @param session as the API tells it
     * @param consoles where its machines' console logs are, a line each
     * @return the exit status
     */
    static int print(JsonNode session, List<String> consoles, PrintStream out, PrintStream errors) {
        String status = session.path("status").asText();
        if (status.equals("completed")) {
            out.println(session.path("proof").asText());
            return DONE;
        }
        JsonNode cause = session.path("cause");
        if (cause.path("code").asText().isEmpty()) {
            errors.println("sallyport: the sign-in ended as " + status + ".");
            return status.equals("failed") ? FAILED : NOT_DONE;
        }
        errors.println("sallyport: the sign-in ended as " + status + ": " + text(cause, "sentence") + " ["
                + text(cause, "code") + "]");
        if (!text(cause, "detail").isBlank()) {
            errors.println("  " + text(cause, "detail"));
        }
        cause.path("evidence").forEach(line -> errors.println("  | " + ConsoleLines.clean(line.asText())));
        errors.println("  What to do: " + text(cause, "remedy"));
        consoles.forEach(console -> errors.println("  " + console));
        return status.equals("failed") ? FAILED : NOT_DONE;
    }

    private static String text(JsonNode cause, String field) {
        return ConsoleLines.clean(cause.path(field).asText());
    }
}
