package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.Programs.Use;
import dev.sallyport.image.verify.systemd.ExecCommand;
import dev.sallyport.image.verify.systemd.ExecLines;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether what a unit's commands start can run: the programs, the scripts that they are given, and what launchers start in turn. */
final class CommandCheck {
    private static final int MAX_SCRIPT = 256 << 10;
    private static final int MOST_LAUNCHERS = 4;
    private static final Pattern INTERPRETER =
            Pattern.compile("(node|nodejs|bun|deno|python[0-9.]*|perl|ruby|php|lua|sh|bash|dash|ash|zsh|ksh)");
    private static final Pattern SHELL = Pattern.compile("(sh|bash|dash|ash|zsh|ksh)");
    /** Options whose next word is theirs. */
    private static final Set<String> WITH_VALUE = Set.of(
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
            "-W",
            "-X",
            "-I",
            "-O",
            "+O",
            "-o",
            "--rcfile",
            "--init-file",
            "--max-old-space-size-percentage",
            "-d",
            "--title",
            "--icu-data-dir");
    /** Options after which no file is named. */
    private static final Pattern NO_FILE = Pattern.compile("-c|-e|-m|-p|-pe|--eval|--print|-s|-n|-E|-.*c");

    private static final Pattern EXEC =
            Pattern.compile("exec\\s+(?:-a\\s+\\S+\\s+)?(/[^\\s\"'`$;|&<>()*?]+)(?:\\s.*)?");
    private static final Pattern PLAIN = Pattern.compile("(/[^\\s\"'`$;|&<>()*?=]+)(?:\\s.*)?");

    private final Subject subject;
    private final Unit unit;

    CommandCheck(Subject subject) {
        this.subject = subject;
        this.unit = subject.unit();
    }

    void check() throws IOException {
        Variables variables = Variables.of(subject);
        if (!unit.value("Service", "RootDirectory").isEmpty()
                || !unit.value("Service", "RootImage").isEmpty()) {
            return; // Its paths lie in another tree.
        }
        for (String key : List.of("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost")) {
            for (ExecCommand command : ExecLines.read(unit, "Service", key, new ArrayList<>())) {
                command(command, variables);
            }
        }
    }

    private void command(ExecCommand command, Variables variables) throws IOException {
        Optional<Accounts.Identity> identity = command.privileged() || unit.flag("Service", "DynamicUser", false)
                ? Optional.of(Accounts.ROOT)
                : subject.accounts()
                        .identity(
                                unit.value("Service", "User"),
                                unit.value("Service", "Group"),
                                unit.all("Service", "SupplementaryGroups").stream()
                                        .map(setting -> setting.value())
                                        .toList());
        var use = new Use(
                subject.whose(),
                command.setting().file(),
                command.setting().line(),
                !command.failureIgnored(),
                identity.orElse(Accounts.ROOT),
                variables.path(),
                variables.list("LD_LIBRARY_PATH"),
                variables.list("LD_PRELOAD"));
        if (command.program().contains("%")) {
            return; // Only a boot can tell.
        }
        Use located = command.program().startsWith("/")
                ? use
                : new Use(
                        use.whose(),
                        use.file(),
                        use.line(),
                        use.error(),
                        use.identity(),
                        ExecCommand.SEARCHED,
                        use.libraries(),
                        use.preloads());
        if (subject.programs().check(command.program(), located)) {
            String path = subject.programs()
                    .located(command.program(), located.path())
                    .orElse(command.program());
            arguments(path, command.arguments(), use, variables, 0);
        }
    }

    /** What a program that starts or interprets others is given. */
    private void arguments(String program, List<String> arguments, Use use, Variables variables, int depth)
            throws IOException {
        String name = program.substring(program.lastIndexOf('/') + 1);
        if (depth > MOST_LAUNCHERS) {
            return;
        }
        if (name.equals("env")) {
            through(arguments, use, variables, depth, true);
        } else if (Set.of("tini", "dumb-init", "catatonit", "dbus-run-session", "nohup", "setsid", "stdbuf", "unbuffer")
                .contains(name)) {
            int dashes = arguments.indexOf("--");
            boolean plain = !arguments.isEmpty() && !arguments.getFirst().startsWith("-");
            if (dashes >= 0 || plain) {
                through(arguments.subList(dashes + 1, arguments.size()), use, variables, depth, false);
            }
        } else if (name.equals("java")) {
            java(arguments, use, variables);
        } else if (INTERPRETER.matcher(name).matches()) {
            interpreted(name, arguments, use, variables, depth);
        } else {
            launcher(program, use, variables, depth);
        }
    }

    private void through(List<String> words, Use use, Variables variables, int depth, boolean environment)
            throws IOException {
        String command = environment ? ScriptLine.command(words) : words.isEmpty() ? "" : words.getFirst();
        if (command.isEmpty() || command.contains("$") || !subject.programs().check(command, use)) {
            return;
        }
        String path = subject.programs().located(command, use.path()).orElse(command);
        arguments(path, words.subList(words.indexOf(command) + 1, words.size()), use, variables, depth + 1);
    }

    private void interpreted(String name, List<String> arguments, Use use, Variables variables, int depth)
            throws IOException {
        boolean shell = SHELL.matcher(name).matches();
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            if (shell && argument.matches("-[a-z]*c") && i + 1 < arguments.size()) {
                line(arguments.get(i + 1).strip(), use, variables, depth);
                return;
            }
            if (name.equals("deno") && argument.equals("run")) {
                continue;
            }
            if (argument.equals("--")) {
                continue;
            }
            if (argument.startsWith("-") && argument.length() > 1) {
                if (NO_FILE.matcher(argument).matches() && !(shell && !argument.contains("c"))) {
                    return;
                }
                i += WITH_VALUE.contains(argument) ? 1 : 0;
                continue;
            }
            if (!argument.equals("-") && !argument.matches(".*[$%].*") && !argument.matches("[a-z]+://.*")) {
                script(name, absolute(argument, variables), use, variables, depth);
            }
            return;
        }
    }

    private String absolute(String argument, Variables variables) {
        if (argument.startsWith("/")) {
            return argument;
        }
        return variables.workingDirectory().isEmpty() ? "" : variables.workingDirectory() + "/" + argument;
    }

    private void script(String interpreter, String path, Use use, Variables variables, int depth) throws IOException {
        if (path.isEmpty() || dev.sallyport.image.verify.systemd.Conditions.filledLater(path)) {
            return;
        }
        List<String> forms = interpreter.startsWith("node") || interpreter.equals("bun")
                ? List.of("", ".js", ".cjs", ".mjs", ".json", ".ts", "/package.json", "/index.js", "/index.cjs")
                : interpreter.startsWith("python") ? List.of("", "/__main__.py") : List.of("");
        Optional<Entry> found = Optional.empty();
        for (String form : forms) {
            Optional<Entry> entry = subject.tree().find(path + form);
            if (entry.isPresent() && (entry.get().kind() == Kind.FILE || (form.isEmpty() && forms.size() == 1))) {
                found = entry;
                break;
            }
        }
        if (found.isEmpty()) {
            subject.findings()
                    .add(
                            use.error(),
                            CauseCode.EXEC_MISSING,
                            use.file(),
                            use.line(),
                            use.whose() + " starts " + interpreter + " with " + path + ", which is not there.",
                            subject.programs().elsewhere(path));
        } else if (use.identity().uid() != 0 && !use.identity().may(found.get().node(), 4)) {
            subject.findings()
                    .add(
                            use.error(),
                            CauseCode.EXEC_NOT_EXECUTABLE,
                            path,
                            0,
                            use.whose() + " starts " + interpreter + " with this file as user "
                                    + use.identity().uid() + ", who may not read it.",
                            "Set its mode to 0644, or its owner to the user.");
        } else if (SHELL.matcher(interpreter).matches()) {
            body(found.get(), use, variables, depth);
        }
    }

    private void java(List<String> arguments, Use use, Variables variables) throws IOException {
        for (int i = 0; i + 1 < arguments.size(); i++) {
            String value = arguments.get(i + 1);
            switch (arguments.get(i)) {
                case "-jar" -> {
                    script(
                            "java",
                            value.contains("$") ? "" : absolute(value, variables),
                            use,
                            variables,
                            MOST_LAUNCHERS);
                    return;
                }
                case "-cp", "-classpath", "--class-path" -> classPath(value, use);
                default -> {
                    if (!arguments.get(i).startsWith("-")
                            && (i == 0
                                    || !arguments
                                            .get(i - 1)
                                            .matches(
                                                    "-cp|--?class-?path|-p|--module-path|--add-modules|-m|--module"))) {
                        return; // The main class: what follows is its own.
                    }
                }
            }
        }
    }

    private void classPath(String value, Use use) throws IOException {
        for (String element : value.split(":", -1)) {
            if (element.matches("/[^$%*]+\\.jar")
                    && subject.tree().find(element).isEmpty()) {
                subject.findings()
                        .add(
                                use.error(),
                                CauseCode.EXEC_MISSING,
                                use.file(),
                                use.line(),
                                use.whose() + " starts java with " + element
                                        + " on its class path, which is not there.",
                                subject.programs().elsewhere(element));
                return;
            }
        }
    }

    /** A script that starts another program: what it surely gets to, and names by an absolute path. */
    private void launcher(String path, Use use, Variables variables, int depth) throws IOException {
        Optional<Entry> file = subject.tree().find(path);
        if (file.isEmpty()
                || file.get().kind() != Kind.FILE
                || file.get().node().size() > MAX_SCRIPT) {
            return;
        }
        byte[] head = file.get().read(256);
        if (head.length > 2 && head[0] == '#' && head[1] == '!') {
            ScriptLine line = ScriptLine.of(head);
            String interpreter = line.interpreter().endsWith("/env") ? line.throughEnvironment() : line.interpreter();
            if (SHELL.matcher(interpreter.substring(interpreter.lastIndexOf('/') + 1))
                    .matches()) {
                body(file.get(), use, variables, depth);
            }
        }
    }

    private void body(Entry file, Use use, Variables variables, int depth) throws IOException {
        List<String> lines = ShellText.commands(file.text(MAX_SCRIPT));
        for (ShellText.Line line : ShellText.certain(file.text(MAX_SCRIPT))) {
            boolean last = lines.isEmpty() || line.text().equals(lines.getLast());
            if (line.text().startsWith("exec ") || last) {
                line(
                        line.text(),
                        new Use(
                                use.whose(),
                                file.path(),
                                line.number(),
                                use.error(),
                                use.identity(),
                                use.path(),
                                use.libraries(),
                                use.preloads()),
                        variables,
                        depth);
                return;
            }
        }
    }

    /** One command of a shell, when it is so plain that it can be understood. */
    private void line(String command, Use use, Variables variables, int depth) throws IOException {
        if (depth >= MOST_LAUNCHERS) {
            return;
        }
        Matcher exec = EXEC.matcher(command);
        Matcher plain = PLAIN.matcher(command);
        boolean alone = !command.matches("(?s).*(\\|\\||&&|;|\\n).*");
        String program = exec.matches() ? exec.group(1) : plain.matches() && alone ? plain.group(1) : "";
        if (program.isEmpty() || !subject.programs().check(program, use) || !alone) {
            return;
        }
        List<String> words = List.of(command.substring(command.indexOf(program) + program.length())
                .strip()
                .split("\\s+", -1));
        if (words.stream().noneMatch(word -> word.matches(".*[\"'`<>|&].*") && !word.equals("\"$@\""))) {
            arguments(
                    program,
                    words.stream()
                            .filter(word -> !word.isEmpty() && !word.equals("\"$@\""))
                            .toList(),
                    use,
                    variables,
                    depth + 1);
        }
    }
}
