package dev.sallyport.image.verify.systemd;

import dev.sallyport.image.verify.systemd.Words.BadQuotingException;
import dev.sallyport.image.verify.systemd.Words.Word;
import java.util.ArrayList;
import java.util.List;

/** Reads the commands of a service (systemd.service(5), "Command lines"). */
public final class ExecLines {
    private ExecLines() {}

    /**
     * The commands of all assignments of {@code key}.
     *
     * @param problems takes what systemd would say
     */
    public static List<ExecCommand> read(Unit unit, String section, String key, List<UnitProblem> problems) {
        List<ExecCommand> commands = new ArrayList<>();
        for (Setting setting : unit.all(section, key)) {
            read(unit, setting, commands, problems);
        }
        return commands;
    }

    private static void read(Unit unit, Setting setting, List<ExecCommand> commands, List<UnitProblem> problems) {
        List<Word> words;
        try {
            words = Words.split(setting.value());
        } catch (BadQuotingException e) {
            // In the first word the line is ignored; behind it the unit is refused, unless its failure is ignored.
            boolean first = !setting.value().strip().matches("(?s)[^\\s\"'\\\\]+\\s.*");
            boolean fatal = !first && !setting.value().matches("[@:+!]*-.*");
            problems.add(problem(fatal, setting, "cannot be split into words: " + e.getMessage()));
            return;
        }
        List<Word> command = new ArrayList<>();
        for (Word word : words) {
            if (word.text().equals(";") && word.plain()) {
                add(unit, setting, command, commands, problems);
                command.clear();
            } else {
                command.add(word);
            }
        }
        add(unit, setting, command, commands, problems);
    }

    private static void add(
            Unit unit, Setting setting, List<Word> words, List<ExecCommand> commands, List<UnitProblem> problems) {
        if (words.isEmpty()) {
            return;
        }
        String first = words.getFirst().text();
        int prefix = 0;
        boolean ignored = false;
        boolean privileged = false;
        boolean named = false;
        while (prefix < first.length() && "@-:+!".indexOf(first.charAt(prefix)) >= 0) {
            ignored |= first.charAt(prefix) == '-';
            privileged |= first.charAt(prefix) == '+' || first.charAt(prefix) == '!';
            named |= first.charAt(prefix) == '@';
            prefix++;
        }
        String program = Specifiers.expand(first.substring(prefix), unit.name());
        if (program.isEmpty()) {
            problems.add(problem(!ignored, setting, "names no program"));
            return;
        }
        if (!program.startsWith("/") && program.contains("/")) {
            problems.add(problem(
                    !ignored, setting, "names '" + program + "', which is neither an absolute path nor a bare name"));
            return;
        }
        if (program.endsWith("/")) {
            problems.add(problem(!ignored, setting, "names the folder '" + program + "'"));
            return;
        }
        List<String> arguments = words.stream()
                .skip(named ? 2 : 1)
                .map(word -> Specifiers.expand(word.text(), unit.name()))
                .toList();
        commands.add(new ExecCommand(setting, program, arguments, ignored, privileged));
    }

    private static UnitProblem problem(boolean fatal, Setting setting, String text) {
        return new UnitProblem(fatal, setting.file(), setting.line(), setting.key() + "= " + text + ".");
    }
}
