package dev.sallyport.image.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Reads the plain parts of shell scripts: whole lines that are surely executed because they stand in no branch or function. */
final class ShellText {
    private static final Pattern OPENS =
            Pattern.compile("(if|for|while|until|case|select)\\b.*|.*\\{\\s*(#.*)?|.*\\(\\)\\s*");
    private static final Pattern CLOSES = Pattern.compile("(fi|done|esac)\\b.*|}.*");
    private static final Pattern BOTH = Pattern.compile(".*[;\\s](fi|done|esac|})\\s*(#.*)?");
    private static final Pattern HERE_DOCUMENT = Pattern.compile(".*<<-?\\s*[\"'\\\\]?([A-Za-z_]+).*");

    /** @param number the line, from 1, that it begins in */
    record Line(String text, int number) {}

    private ShellText() {}

    /** All lines with commands, joined where they are continued. */
    static List<String> commands(String script) {
        return joined(script).stream()
                .map(line -> line.text().strip())
                .filter(line -> !line.isEmpty())
                .toList();
    }

    /** The lines outside of every branch, loop and function; none when the script's structure is not understood. */
    static List<Line> certain(String script) {
        List<Line> certain = new ArrayList<>();
        int depth = 0;
        for (Line line : joined(script)) {
            String text = line.text().strip();
            boolean opens = OPENS.matcher(text).matches();
            boolean closes = CLOSES.matcher(text).matches();
            if (opens && BOTH.matcher(text).matches()) {
                continue;
            }
            if (opens) {
                depth++;
            } else if (closes) {
                depth--;
            } else if (depth == 0 && !text.isEmpty()) {
                certain.add(new Line(text, line.number()));
            }
            if (depth < 0) {
                return List.of();
            }
        }
        return depth == 0 ? certain : List.of();
    }

    private static List<Line> joined(String script) {
        List<Line> lines = new ArrayList<>();
        var whole = new StringBuilder();
        int from = 0;
        int number = 0;
        String until = "";
        for (String line : script.split("\n", -1)) {
            number++;
            if (!until.isEmpty()) {
                until = line.strip().equals(until) ? "" : until;
                continue;
            }
            if (whole.isEmpty()) {
                from = number;
            }
            if (line.endsWith("\\")) {
                whole.append(line, 0, line.length() - 1);
                continue;
            }
            String text = whole.append(line).toString();
            whole.setLength(0);
            if (!text.strip().startsWith("#")) {
                lines.add(new Line(text, from));
                var here = HERE_DOCUMENT.matcher(text);
                until = here.matches() ? here.group(1) : "";
            }
        }
        return lines;
    }
}
