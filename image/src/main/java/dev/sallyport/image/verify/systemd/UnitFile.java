package dev.sallyport.image.verify.systemd;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * One unit file or drop-in, read as systemd 252 reads it (systemd.syntax(7)): what is odd is ignored with a warning, and only a
 * broken section header spoils the file.
 *
 * @param settings in their order
 * @param problems what systemd would say
 */
public record UnitFile(List<Setting> settings, List<UnitProblem> problems) {
    private static final int MOST_PROBLEMS = 50;
    private static final Set<String> COMMON = Set.of("Unit", "Install");
    private static final Set<String> OF_TYPES =
            Set.of("Service", "Socket", "Timer", "Path", "Mount", "Automount", "Swap", "Slice", "Scope", "Target");

    public UnitFile {
        settings = List.copyOf(settings);
        problems = List.copyOf(problems);
    }

    /**
     * Reads {@code text}.
     *
     * @param file the path that settings and problems are told with
     * @param type the unit's type, such as {@code service}: sections of other types are ignored
     */
    public static UnitFile parse(String file, String type, String text) {
        var reading = new Reading(file, type);
        int number = 0;
        for (String line : text.startsWith("\uFEFF") ? lines(text.substring(1)) : lines(text)) {
            number++;
            if (!reading.line(line, number)) {
                break;
            }
        }
        reading.end();
        return new UnitFile(reading.settings, reading.problems);
    }

    /** Carriage returns end lines as line feeds do. */
    private static String[] lines(String text) {
        return text.split("\r\n|\n\r|\n|\r", -1);
    }

    private static final class Reading {
        private final String file;
        private final String section;
        private final List<Setting> settings = new ArrayList<>();
        private final List<UnitProblem> problems = new ArrayList<>();
        private final StringBuilder continued = new StringBuilder();
        private int continuedFrom;
        private String in = "";
        private boolean ignored;

        Reading(String file, String type) {
            this.file = file;
            this.section = type.isEmpty() ? "" : Character.toUpperCase(type.charAt(0)) + type.substring(1);
        }

        /** False when nothing after it is read. */
        boolean line(String line, int number) {
            String stripped = line.strip();
            if (!stripped.isEmpty() && (stripped.charAt(0) == '#' || stripped.charAt(0) == ';')) {
                return true; // Between continued lines too.
            }
            if (continued.isEmpty()) {
                continuedFrom = number;
            }
            if (endsInEscape(line)) {
                continued.append(line, 0, line.length() - 1).append(' ');
                return true;
            }
            String whole = continued.append(line).toString().strip();
            continued.setLength(0);
            return whole.isEmpty() || assignment(whole, continuedFrom);
        }

        void end() {
            if (!continued.isEmpty()) {
                String whole = continued.toString().strip();
                if (!whole.isEmpty()) {
                    assignment(whole, continuedFrom);
                }
            }
        }

        private static boolean endsInEscape(String line) {
            int count = 0;
            while (count < line.length() && line.charAt(line.length() - 1 - count) == '\\') {
                count++;
            }
            return count % 2 == 1;
        }

        private boolean assignment(String line, int number) {
            if (line.charAt(0) == '[') {
                if (!line.endsWith("]")) {
                    problems.add(new UnitProblem(
                            true, file, number, "The section header '" + shown(line) + "' has no end."));
                    return false;
                }
                in = line.substring(1, line.length() - 1);
                ignored = !COMMON.contains(in) && !in.equals(section);
                if (ignored && !in.startsWith("X-") && !OF_TYPES.contains(in)) {
                    warn(number, "The section [" + shown(in) + "] is none that systemd knows, and is ignored.");
                } else if (ignored && OF_TYPES.contains(in)) {
                    warn(number, "The section [" + in + "] is not one of this type of unit, and is ignored.");
                }
                return true;
            }
            if (ignored) {
                return true;
            }
            int equals = line.indexOf('=');
            if (equals <= 0) {
                warn(number, "The line '" + shown(line) + "' assigns nothing, and is ignored.");
            } else if (in.isEmpty()) {
                warn(number, "The assignment '" + shown(line) + "' is in no section, and is ignored.");
            } else {
                settings.add(new Setting(
                        in,
                        line.substring(0, equals).strip(),
                        line.substring(equals + 1).strip(),
                        file,
                        number));
            }
            return true;
        }

        private void warn(int number, String text) {
            if (problems.size() < MOST_PROBLEMS) {
                problems.add(new UnitProblem(false, file, number, text));
            }
        }

        /** Never what could be the value of a secret. */
        private static String shown(String line) {
            int equals = line.indexOf('=');
            String name = equals < 0 ? line : line.substring(0, equals + 1) + "…";
            return name.length() <= 60 ? name : name.substring(0, 59) + "…";
        }
    }
}
