package dev.sallyport.bench.process;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The other end of a {@link Child}: reads lines and answers each, until there are no more. */
public final class ChildLoop {
    private ChildLoop() {}

    /** Answers one line, by names. */
    @FunctionalInterface
    public interface Answering {
        Map<String, ?> answer(String line);
    }

    /** The name of an answer that is none. */
    static final String ERROR = "error";

    /**
     * Says {@code ready} and answers until standard input ends. What else is written to standard output goes to standard error.
     *
     * @throws IOException when standard input cannot be read
     */
    public static void run(Map<String, ?> ready, Answering answering) throws IOException {
        PrintStream out = System.out;
        System.setOut(System.err);
        var json = new ObjectMapper();
        out.println(json.writeValueAsString(ready));
        out.flush();
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(json.writeValueAsString(answered(line, answering)));
            out.flush();
        }
    }

    /** A process that has no answer to one question, such as one without any open file left, may have one to the next. */
    private static Map<String, ?> answered(String line, Answering answering) {
        try {
            return answering.answer(line);
        } catch (RuntimeException e) {
            return Map.of(ERROR, e + (e.getCause() == null ? "" : ": " + e.getCause()));
        }
    }
}
