package dev.sallyport.machine;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Turns hostile bytes into lines that are safe to show: no escape sequences, no control or invisible formatting characters,
 * at most {@value #MAX_LINE} characters each. What is longer is cut, so that memory is bounded whatever comes.
 */
public final class ConsoleLines {
    /** The longest line, in characters. */
    public static final int MAX_LINE = 400;

    /** Room for {@link #MAX_LINE} characters in UTF-8 and for escape sequences among them. */
    private static final int MAX_LINE_BYTES = 8 * MAX_LINE;

    /** CSI, OSC and the other escape sequences of ECMA-48. */
    private static final Pattern ESCAPES =
            Pattern.compile("\u001b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\u0007\u001b]*(?:\u0007|\u001b\\\\)?|[ -/]*[0-~])");

    /** Unicode's "other" categories: control, format (which can turn a line's direction), surrogate, private, unassigned. */
    private static final Pattern INVISIBLE = Pattern.compile("\\p{C}");

    private final Consumer<String> lines;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    /** @param lines is given each line that is not blank when it is complete, in the thread that calls {@link #accept} */
    public ConsoleLines(Consumer<String> lines) {
        this.lines = lines;
    }

    /** All lines of {@code bytes}, complete or not. */
    public static List<String> of(byte[] bytes) {
        var all = new ArrayList<String>();
        var splitter = new ConsoleLines(all::add);
        splitter.accept(bytes, 0, bytes.length);
        splitter.finish();
        return all;
    }

    /** One line's text made safe to show. */
    public static String clean(String text) {
        String printable = INVISIBLE
                .matcher(ESCAPES.matcher(text).replaceAll("").replace('\t', ' '))
                .replaceAll("");
        return printable.length() <= MAX_LINE ? printable : printable.substring(0, MAX_LINE);
    }

    /** Takes {@code length} more bytes. */
    public void accept(byte[] bytes, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            byte b = bytes[i];
            if (b == '\n' || b == '\r') {
                finish();
            } else if (line.size() < MAX_LINE_BYTES) {
                line.write(b);
            }
        }
    }

    /** Takes what has come since the last line's end as a line. */
    public void finish() {
        String text = partial();
        line.reset();
        if (!text.isBlank()) {
            lines.accept(text);
        }
    }

    /** What has come since the last line's end; may be empty. */
    public String partial() {
        return clean(line.toString(StandardCharsets.UTF_8));
    }
}
