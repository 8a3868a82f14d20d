package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Globs;
import dev.sallyport.image.verify.systemd.ExecCommand;
import dev.sallyport.image.verify.systemd.Setting;
import dev.sallyport.image.verify.systemd.Specifiers;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.image.verify.systemd.Words;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The environment that a unit's commands get, as far as files tell.
 *
 * @param values by name
 * @param places where each was set
 * @param workingDirectory where the commands are started; empty when that is not known
 */
record Variables(Map<String, String> values, Map<String, Setting> places, String workingDirectory) {
    private static final int MAX_FILE = 64 << 10;

    static Variables of(Subject subject) throws IOException {
        Unit unit = subject.unit();
        Map<String, String> values = new HashMap<>();
        Map<String, Setting> places = new HashMap<>();
        for (Setting setting : unit.all("Service", "Environment")) {
            for (Words.Word word : Words.understood(setting.value())) {
                put(Specifiers.expand(word.text(), unit.name()), setting, values, places);
            }
        }
        for (Setting setting : unit.all("Service", "EnvironmentFile")) {
            String pattern = Specifiers.expand(setting.value().replaceFirst("^-", ""), unit.name());
            for (String path : Globs.expand(subject.tree(), pattern)) {
                Optional<Entry> file = subject.tree().find(path);
                if (file.isPresent() && file.get().kind() == Kind.FILE) {
                    int number = 0;
                    for (String line : file.get().text(MAX_FILE).split("\n", -1)) {
                        number++;
                        if (!line.strip().startsWith("#") && !line.strip().startsWith(";")) {
                            put(unquoted(line.strip()), new Setting("", "", "", path, number), values, places);
                        }
                    }
                }
            }
        }
        String folder =
                Specifiers.expand(unit.value("Service", "WorkingDirectory").replaceFirst("^-", ""), unit.name());
        if (folder.equals("~")) {
            folder = subject.accounts()
                    .user(unit.value("Service", "User"))
                    .map(Accounts.User::home)
                    .orElse("");
        } else if (folder.isEmpty()) {
            folder = "/";
        }
        return new Variables(values, places, Specifiers.open(folder) ? "" : folder.equals("/") ? "/." : folder);
    }

    private static String unquoted(String line) {
        return line.replaceFirst("^([A-Za-z_][A-Za-z0-9_]*=)[\"'](.*)[\"']$", "$1$2");
    }

    private static void put(String assignment, Setting place, Map<String, String> values, Map<String, Setting> places) {
        int equals = assignment.indexOf('=');
        if (equals > 0) {
            values.put(assignment.substring(0, equals), assignment.substring(equals + 1));
            places.put(assignment.substring(0, equals), place);
        }
    }

    /** Folders of {@code PATH}. */
    List<String> path() {
        List<String> path =
                list("PATH").stream().filter(folder -> folder.startsWith("/")).toList();
        return path.isEmpty() ? ExecCommand.SEARCHED : path;
    }

    /** A list that colons separate. */
    List<String> list(String name) {
        String value = values.getOrDefault(name, "");
        return value.isEmpty() || value.contains("$")
                ? List.of()
                : List.of(value.split("[: ]", -1)).stream()
                        .filter(part -> !part.isEmpty())
                        .toList();
    }
}
