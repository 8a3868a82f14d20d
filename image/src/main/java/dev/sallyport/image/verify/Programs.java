package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Architecture;
import dev.sallyport.image.verify.systemd.ExecCommand;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether what a command starts can be executed: the file, what its {@code #!} line names, its loader, its libraries and their
 * symbol versions. Only the root cause is reported, and each once.
 */
final class Programs {
    /** As the kernel: more scripts that interpret each other are refused. */
    private static final int MOST_INTERPRETERS = 4;

    private final Tree tree;
    private final Binaries binaries;
    private final Findings findings;
    private final Set<String> checked = new HashSet<>();

    /**
     * Where and how a program is started.
     *
     * @param whose the sentence's subject, such as "The agent's unit"
     * @param file where it is asked for
     * @param line the line there
     * @param error false when the failure does not matter much
     * @param identity who runs it
     * @param path folders of {@code PATH}
     * @param libraries folders of {@code LD_LIBRARY_PATH}
     * @param preloads what {@code LD_PRELOAD} names
     */
    record Use(
            String whose,
            String file,
            int line,
            boolean error,
            Accounts.Identity identity,
            List<String> path,
            List<String> libraries,
            List<String> preloads) {
        static Use plain(String whose, String file, int line) {
            return new Use(whose, file, line, true, Accounts.ROOT, ExecCommand.SEARCHED, List.of(), List.of());
        }

        Use lenient() {
            return new Use(whose, file, line, false, identity, path, libraries, preloads);
        }
    }

    Programs(Tree tree, Architecture architecture, Findings findings) {
        this.tree = tree;
        this.binaries = new Binaries(tree, architecture, findings);
        this.findings = findings;
    }

    /** The bare name on the search path, or the path itself. */
    Optional<String> located(String program, List<String> path) throws IOException {
        if (program.startsWith("/")) {
            return Optional.of(program);
        }
        for (String folder : path) {
            Optional<Entry> found = tree.find(folder + "/" + program);
            if (found.isPresent()
                    && found.get().kind() == Kind.FILE
                    && found.get().node().executable()) {
                return Optional.of(folder + "/" + program);
            }
        }
        return Optional.empty();
    }

    /** Checks a program by its path or bare name; false when it cannot run. */
    boolean check(String program, Use use) throws IOException {
        Optional<String> path = located(program, use.path());
        if (path.isEmpty()) {
            missing(program, use);
            return false;
        }
        return !checked.add(use.identity().uid() + " " + path.get() + " " + use.libraries())
                || chain(path.get(), use, 0);
    }

    private void missing(String program, Use use) throws IOException {
        Optional<Entry> link = program.startsWith("/") ? tree.findLink(program) : Optional.empty();
        String how = !program.startsWith("/")
                ? "starts '" + program + "', which is on none of the folders " + String.join(":", use.path())
                : link.isPresent()
                        ? "starts " + program + ", which is a link to "
                                + link.get().target() + ", and that is not there"
                        : "starts " + program + ", which is not there";
        findings.add(
                use.error(),
                CauseCode.EXEC_MISSING,
                use.file(),
                use.line(),
                use.whose() + " " + how + ".",
                elsewhere(program));
    }

    /** What to do about a missing program: where it was found instead, if anywhere. */
    String elsewhere(String program) throws IOException {
        String name = program.substring(program.lastIndexOf('/') + 1);
        List<String> folders = new ArrayList<>(ExecCommand.SEARCHED);
        folders.addAll(List.of("/opt/" + name + "/bin", "/usr/lib/" + name, "/usr/libexec", "/snap/bin"));
        for (String parent : List.of("/opt", "/usr/local", "/usr/lib", "/opt/sallyport")) {
            for (String child : tree.names(parent)) {
                folders.add(parent + "/" + child);
                folders.add(parent + "/" + child + "/bin");
            }
        }
        for (String home : List.of("/root", "/home/user")) {
            for (String version : tree.names(home + "/.nvm/versions/node")) {
                folders.add(home + "/.nvm/versions/node/" + version + "/bin");
            }
        }
        for (String folder : folders) {
            Optional<Entry> found = tree.find(folder + "/" + name);
            if (found.isPresent() && found.get().kind() == Kind.FILE && !program.equals(folder + "/" + name)) {
                return "It is at " + folder + "/" + name + ": name that path, or put a link at " + program + ".";
            }
        }
        return "Add the file to the image, or correct the command.";
    }

    private boolean chain(String path, Use use, int depth) throws IOException {
        Optional<Entry> found = tree.find(path);
        if (found.isEmpty()) {
            missing(path, use);
            return false;
        }
        Entry file = found.get();
        if (file.kind() != Kind.FILE) {
            findings.add(
                    use.error(),
                    CauseCode.EXEC_NOT_EXECUTABLE,
                    use.file(),
                    use.line(),
                    use.whose() + " starts " + path + ", which is no file.",
                    "Name a program.");
            return false;
        }
        if (!file.node().executable()) {
            findings.add(
                    use.error(),
                    CauseCode.EXEC_NOT_EXECUTABLE,
                    path,
                    0,
                    use.whose() + " starts " + path + ", which may not be executed (mode " + octal(file) + ").",
                    "Set its mode to 0755.");
            return false;
        }
        if (!reachable(path, file, use)) {
            return false;
        }
        byte[] head = file.read(256);
        if (head.length >= 2 && head[0] == '#' && head[1] == '!') {
            return script(path, head, use, depth);
        }
        if (head.length >= 4 && head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' && head[3] == 'F') {
            return binaries.check(path, file, use);
        }
        String what = head.length == 0 ? "is empty" : "is neither a program nor a script with a '#!' line";
        findings.add(
                use.error(),
                CauseCode.EXEC_FORMAT,
                path,
                0,
                use.whose() + " starts " + path + ", which " + what + ".",
                "Give a script its '#!' line, or install the right program.");
        return false;
    }

    private static String octal(Entry file) {
        return String.format(java.util.Locale.ROOT, "%04o", file.node().mode());
    }

    /** Whether the unit's user may go there and execute it. */
    private boolean reachable(String path, Entry file, Use use) throws IOException {
        if (use.identity().uid() == 0) {
            return true;
        }
        String resolved = file.path();
        for (int slash = resolved.indexOf('/', 1); slash > 0; slash = resolved.indexOf('/', slash + 1)) {
            Optional<Entry> folder = tree.find(resolved.substring(0, slash));
            if (folder.isPresent() && !use.identity().may(folder.get().node(), 1)) {
                findings.add(
                        use.error(),
                        CauseCode.EXEC_NOT_EXECUTABLE,
                        resolved.substring(0, slash),
                        0,
                        use.whose() + " starts " + path + " as user "
                                + use.identity().uid()
                                + ", who may not enter this folder (mode " + octal(folder.get()) + ", owner "
                                + folder.get().node().uid() + ").",
                        "Set the folder's mode to 0755, or its owner to the user.");
                return false;
            }
        }
        if (!use.identity().may(file.node(), 1)) {
            findings.add(
                    use.error(),
                    CauseCode.EXEC_NOT_EXECUTABLE,
                    path,
                    0,
                    use.whose() + " starts this file as user " + use.identity().uid()
                            + ", who may not execute it (mode " + octal(file) + ", owner "
                            + file.node().uid() + ").",
                    "Set its mode to 0755, or its owner to the user.");
            return false;
        }
        return true;
    }

    private boolean script(String path, byte[] head, Use use, int depth) throws IOException {
        if (depth >= MOST_INTERPRETERS) {
            interpreterMissing(
                    path,
                    use,
                    "is interpreted by scripts that interpret each other too deeply",
                    "Name a program in its first line.");
            return false;
        }
        ScriptLine line = ScriptLine.of(head);
        if (line.interpreter().isEmpty()) {
            findings.add(
                    use.error(),
                    CauseCode.EXEC_FORMAT,
                    path,
                    1,
                    use.whose() + " starts " + path + ", whose '#!' line names no interpreter"
                            + (line.cut() ? " within 255 bytes" : "") + ".",
                    "Name the interpreter by its absolute path.");
            return false;
        }
        String interpreter = line.interpreter();
        if (interpreter.endsWith("\r") || line.argument().endsWith("\r")) {
            interpreterMissing(
                    path,
                    use,
                    "has the line endings of Windows, so that its interpreter would be '"
                            + interpreter.replace("\r", "\\r")
                            + (line.argument().isEmpty()
                                    ? ""
                                    : " " + line.argument().replace("\r", "\\r")) + "'",
                    "Write it with line feeds alone (sed -i 's/\\r$//' " + path + ").");
            return false;
        }
        if (!interpreter.startsWith("/") || tree.find(interpreter).isEmpty()) {
            interpreterMissing(
                    path, use, "is interpreted by " + interpreter + ", which is not there", elsewhere(interpreter));
            return false;
        }
        if (!chain(interpreter, use, depth + 1)) {
            return false;
        }
        return !interpreter.endsWith("/env") || environment(path, line, use, depth);
    }

    private boolean environment(String path, ScriptLine line, Use use, int depth) throws IOException {
        String name = line.throughEnvironment();
        if (name.isEmpty() || name.contains("=")) {
            return true;
        }
        if (name.contains(" ") || name.contains("\t")) {
            interpreterMissing(
                    path,
                    use,
                    "asks env for '" + name + "': the kernel hands all of it over as one name",
                    "Write '#!/usr/bin/env -S " + name + "'.");
            return false;
        }
        Optional<String> found = located(name, use.path());
        if (found.isEmpty()) {
            interpreterMissing(
                    path,
                    use,
                    "is interpreted by '" + name + "', which is on none of the folders " + String.join(":", use.path()),
                    elsewhere(name));
            return false;
        }
        return chain(found.get(), use, depth + 1);
    }

    private void interpreterMissing(String path, Use use, String how, String remedy) {
        findings.add(
                use.error(),
                CauseCode.INTERPRETER_MISSING,
                path,
                1,
                use.whose() + " starts " + path + ", which " + how + ".",
                remedy);
    }
}
