package dev.sallyport.agent.identity;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds facts among bytes as they come over a line: the line {@code SALLYPORT-FACTS 1}, {@code key=value} lines, {@code END}. What comes
 * before is nothing; a header begins anew, so that facts which were cut off spoil none that follow.
 */
final class FactsText {
    private static final String HEADER = "SALLYPORT-FACTS 1";
    private static final String END = "END";

    /** Most bytes from the header to the end. */
    static final int MAX_BYTES = 256 * 1024;

    /** So much of a line outside of facts is kept: a header has room in it. */
    private static final int KEPT_OUTSIDE = 256;

    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private List<String> lines = new ArrayList<>();
    private boolean inside;
    private int bytes;
    private boolean tooLong;

    /**
     * Takes the next byte.
     *
     * @return the lines between header and end when this byte ends them
     */
    Optional<List<String>> take(byte next) {
        if (inside && ++bytes > MAX_BYTES) {
            inside = false;
            tooLong = true;
            lines = new ArrayList<>();
            line.reset();
        }
        if (next != '\n') {
            if (!inside && line.size() >= KEPT_OUTSIDE) {
                byte[] last = line.toByteArray();
                line.reset();
                line.write(last, last.length - HEADER.length(), HEADER.length());
            }
            line.write(next);
            return Optional.empty();
        }
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (inside ? text.equals(HEADER) : text.endsWith(HEADER)) {
            inside = true;
            bytes = text.length() + 1;
            lines = new ArrayList<>();
        } else if (inside && text.equals(END)) {
            inside = false;
            List<String> whole = lines;
            lines = new ArrayList<>();
            return Optional.of(whole);
        } else if (inside) {
            lines.add(text);
        }
        return Optional.empty();
    }

    /** Lines as they come. */
    static byte[] of(List<String> lines) {
        return (HEADER + "\n" + String.join("\n", lines) + "\n" + END + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Whether facts were given up since this was asked last, because they were too long. */
    boolean wasTooLong() {
        boolean was = tooLong;
        tooLong = false;
        return was;
    }
}
