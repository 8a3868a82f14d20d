package dev.sallyport.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Shows how long work goes on: on a terminal one line that is drawn over, with a bar where the share done is known;
 * elsewhere one plain line a step. Safe for several threads.
 */
public final class Progress {
    private static final int WIDTH = 28;

    private final PrintStream out;
    private final boolean terminal;
    private final Map<String, String> running = new LinkedHashMap<>();
    private final Map<String, Integer> tenths = new LinkedHashMap<>();

    /**
     * @param out where to
     * @param terminal whether lines can be drawn over there
     */
    public Progress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    /** Progress on standard error, drawn over when that is a terminal. */
    public static Progress onStandardError() {
        return new Progress(System.err, isTerminal(2));
    }

    /**
     * Whether a stream of this process goes to a terminal. {@code System.console()} speaks of the first two streams at once;
     * proc(5) knows of each.
     *
     * @param descriptor 1 for standard output, 2 for standard error
     */
    public static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(descriptor)))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (IOException e) {
            return false; // Closed, or no Linux: plain lines are right either way.
        }
    }

    /**
     * Says how far a piece of work is.
     *
     * @param what its name
     * @param share done, 0 to 1; negative when unknown
     * @param note a word more, such as the phase
     */
    public synchronized void at(String what, double share, String note) {
        if (terminal) {
            running.put(what, share < 0 ? what + " " + note : what + " " + bar(share) + " " + note);
            draw();
        } else if (share < 0 ? tenths.put(what + note, -1) == null : newTenth(what, (int) (share * 10))) {
            out.println("  " + what + (share < 0 ? " " : " " + (int) (share * 100) + " % ") + note);
        }
    }

    /** Says that a piece of work is done, for good. */
    public synchronized void done(String what, String note) {
        running.remove(what);
        line("  " + what + " " + note);
    }

    /** Says that there was nothing to do. */
    public synchronized void forget(String what) {
        if (running.remove(what) != null) {
            draw();
        }
    }

    /** Prints a line that stays. */
    public synchronized void line(String text) {
        if (terminal) {
            out.print("\r\u001b[K");
        }
        out.println(text);
        draw();
    }

    /** {@code 1.2 s}, {@code 340 ms}: a duration for people. */
    public static String duration(long millis) {
        return millis < 1000 ? millis + " ms" : String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
    }

    private boolean newTenth(String what, int tenth) {
        Integer before = tenths.put(what, tenth);
        return before == null || before != tenth;
    }

    private void draw() {
        if (terminal && !running.isEmpty()) {
            String text = String.join("   ", running.values());
            out.print("\r\u001b[K  " + (text.length() > 150 ? text.substring(0, 150) : text));
        } else if (terminal) {
            out.print("\r\u001b[K");
        }
        out.flush();
    }

    private static String bar(double share) {
        int filled = (int) Math.round(Math.min(1, share) * WIDTH);
        return "[" + "#".repeat(filled) + " ".repeat(WIDTH - filled) + "]";
    }
}
