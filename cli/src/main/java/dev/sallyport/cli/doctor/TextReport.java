package dev.sallyport.cli.doctor;

import dev.sallyport.cli.Progress;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** For people: one aligned block a check, what to do below what is wrong, and the count at the end. */
final class TextReport implements Report {
    private static final int WIDTH = 110;
    private static final int CHECK = 12;
    private static final int STATE = 8;
    private static final String WHAT_TO_DO = "What to do: ";

    private final PrintStream out;
    private final Progress progress;
    private final boolean coloured;
    private int warnings;
    private int broken;

    /**
     * @param progress where it is shown what is waited for
     * @param coloured whether the states have colours
     */
    TextReport(PrintStream out, Progress progress, boolean coloured) {
        this.out = out;
        this.progress = progress;
        this.coloured = coloured;
    }

    @Override
    public void waiting(String check) {
        progress.at(check, -1, "is looked at ...");
    }

    @Override
    public void tell(String check, List<Finding> findings) {
        progress.forget(check);
        String name = check;
        for (Finding finding : findings) {
            warnings += finding.state() == State.WARNING ? 1 : 0;
            broken += finding.state() == State.BROKEN ? 1 : 0;
            List<String> lines = new ArrayList<>(wrap(finding.text(), ""));
            if (!finding.remedy().isEmpty()) {
                lines.addAll(wrap(WHAT_TO_DO + finding.remedy(), " ".repeat(WHAT_TO_DO.length())));
            }
            out.println(pad(name, CHECK) + state(finding.state()) + lines.getFirst());
            for (String line : lines.subList(1, lines.size())) {
                out.println(" ".repeat(CHECK + STATE) + line);
            }
            name = "";
        }
        out.flush();
    }

    @Override
    public void end() {
        out.println();
        out.println((broken == 0
                        ? "Nothing is broken"
                        : count(broken, "thing") + (broken == 1 ? " is" : " are") + " broken")
                + (warnings == 0 ? "." : "; " + count(warnings, "warning") + "."));
    }

    private String state(State state) {
        String word = pad(state.word(), STATE);
        if (!coloured) {
            return word;
        }
        String colour = switch (state) {
            case OK -> "32";
            case WARNING -> "33";
            case BROKEN -> "31";
        };
        return "\u001b[" + colour + "m" + word + "\u001b[0m";
    }

    /** Lines that fit, cut between words; a word that is longer than a line stays whole, so that it can be copied. */
    private static List<String> wrap(String text, String indent) {
        var lines = new ArrayList<String>();
        var line = new StringBuilder();
        // What other programs said is in it: it must not move the cursor.
        for (String word : text.replaceAll("\\p{Cntrl}", " ").strip().split(" +", -1)) {
            if (!line.isEmpty() && CHECK + STATE + line.length() + 1 + word.length() > WIDTH) {
                lines.add(line.toString());
                line = new StringBuilder(indent);
                line.append(word);
            } else {
                line.append(line.isEmpty() ? "" : " ").append(word);
            }
        }
        lines.add(line.toString());
        return lines;
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(1, width - text.length()));
    }

    private static String count(int number, String word) {
        return number + " " + word + (number == 1 ? "" : "s");
    }
}
