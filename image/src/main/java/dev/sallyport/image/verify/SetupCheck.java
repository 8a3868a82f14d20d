package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Globs;
import dev.sallyport.image.verify.systemd.Conditions;
import dev.sallyport.image.verify.systemd.Setting;
import dev.sallyport.image.verify.systemd.Specifiers;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.image.verify.systemd.Words;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Whether what systemd sets up for a unit before it starts it is there (systemd.exec(5)). */
final class SetupCheck {
    private static final String SERVICE = "Service";
    /** Settings that name paths which must be there, and may be marked with {@code -}. */
    private static final List<String> PATHS = List.of(
            "ReadWritePaths",
            "ReadOnlyPaths",
            "InaccessiblePaths",
            "ExecPaths",
            "NoExecPaths",
            "BindPaths",
            "BindReadOnlyPaths");

    private final Subject subject;
    private final Unit unit;
    private final Findings findings;

    SetupCheck(Subject subject) {
        this.subject = subject;
        this.unit = subject.unit();
        this.findings = subject.findings();
    }

    void check() throws IOException {
        accounts();
        boolean elsewhere = !unit.value(SERVICE, "RootDirectory").isEmpty()
                || !unit.value(SERVICE, "RootImage").isEmpty();
        if (!elsewhere) {
            workingDirectory();
        }
        environmentFiles();
        paths();
        output();
        bus();
    }

    private void accounts() {
        if (unit.flag(SERVICE, "DynamicUser", false)) {
            return;
        }
        for (String key : List.of("User", "Group", "SupplementaryGroups")) {
            List<Setting> settings = unit.all(SERVICE, key);
            List<Setting> counting =
                    key.equals("SupplementaryGroups") || settings.isEmpty() ? settings : List.of(settings.getLast());
            for (Setting setting : counting) {
                for (String word : Words.plain(setting.value())) {
                    account(key, Specifiers.expand(word, unit.name()), setting);
                }
            }
        }
    }

    private void account(String key, String name, Setting setting) {
        boolean user = key.equals("User");
        boolean there =
                user ? subject.accounts().hasUser(name) : subject.accounts().hasGroup(name);
        if (there || Specifiers.open(name)) {
            return;
        }
        boolean made =
                user ? subject.accounts().makesUser(name) : subject.accounts().makesGroup(name);
        boolean sysusers = subject.plan().starts("systemd-sysusers.service");
        if (made && sysusers) {
            return;
        }
        findings.error(
                CauseCode.UNIT_USER_MISSING,
                setting.file(),
                setting.line(),
                subject.whose() + " runs with " + key + "=" + name + ", and there is no such "
                        + (user ? "user" : "group")
                        + (made ? ": sysusers.d would make it, and this boot does not run systemd-sysusers" : "") + ".",
                "Add it to the image (" + (user ? "useradd --system " : "groupadd --system ") + name
                        + "), or remove the line.");
    }

    private void workingDirectory() throws IOException {
        Optional<Setting> setting = unit.last(SERVICE, "WorkingDirectory");
        if (setting.isEmpty()
                || setting.get().value().isEmpty()
                || setting.get().value().startsWith("-")) {
            return;
        }
        String path = Specifiers.expand(setting.get().value(), unit.name());
        if (path.equals("~")) {
            path = subject.accounts()
                    .user(unit.value(SERVICE, "User").isEmpty() ? "root" : unit.value(SERVICE, "User"))
                    .map(Accounts.User::home)
                    .orElse("/");
        }
        Optional<Entry> folder = subject.tree().find(path);
        boolean enters = folder.isPresent() && folder.get().kind() == Kind.FOLDER;
        if (!path.startsWith("/") || Specifiers.open(path) || madeAtBoot(path)) {
            return;
        }
        if (!enters) {
            findings.error(
                    CauseCode.UNIT_DIRECTORY_MISSING,
                    setting.get().file(),
                    setting.get().line(),
                    subject.whose() + " starts in " + path + ", which is "
                            + (folder.isPresent() ? "no directory" : "not there") + ".",
                    "Make the directory in the image, or correct WorkingDirectory=.");
            return;
        }
        var identity =
                subject.accounts().identity(unit.value(SERVICE, "User"), unit.value(SERVICE, "Group"), List.of());
        if (identity.isPresent()
                && !identity.get().may(folder.get().node(), 1)
                && !unit.flag(SERVICE, "DynamicUser", false)) {
            findings.error(
                    CauseCode.UNIT_DIRECTORY_MISSING,
                    setting.get().file(),
                    setting.get().line(),
                    subject.whose() + " starts in " + path + ", which its user may not enter.",
                    "Set the directory's owner to the user, or its mode to 0755.");
        }
    }

    /** What systemd makes itself before the unit starts, or what is filled at every boot. */
    private boolean madeAtBoot(String path) throws IOException {
        for (String[] made : new String[][] {
            {"RuntimeDirectory", "/run/"},
            {"StateDirectory", "/var/lib/"},
            {"CacheDirectory", "/var/cache/"},
            {"LogsDirectory", "/var/log/"},
            {"ConfigurationDirectory", "/etc/"}
        }) {
            for (Setting setting : unit.all(SERVICE, made[0])) {
                for (String name : Words.plain(setting.value())) {
                    String own = made[1] + Specifiers.expand(name.replaceFirst(":.*", ""), unit.name());
                    if (path.equals(own) || own.startsWith(path + "/")) {
                        return true;
                    }
                }
            }
        }
        return (Conditions.filledLater(path) && !path.startsWith("/var/lib/"))
                || TemporaryFiles.makes(subject.tree(), path);
    }

    private void environmentFiles() throws IOException {
        for (Setting setting : unit.all(SERVICE, "EnvironmentFile")) {
            String path = Specifiers.expand(setting.value(), unit.name());
            if (path.startsWith("-") || !path.startsWith("/") || Specifiers.open(path) || madeAtBoot(path)) {
                continue;
            }
            if (Globs.expand(subject.tree(), path).isEmpty()) {
                findings.error(
                        CauseCode.UNIT_ENVIRONMENT_MISSING,
                        setting.file(),
                        setting.line(),
                        subject.whose() + " reads its environment from " + path + ", which is not there.",
                        "Add the file to the image, or write EnvironmentFile=-" + path + " where it may be left out.");
            }
        }
    }

    private void paths() throws IOException {
        List<Setting> settings = new ArrayList<>();
        PATHS.forEach(key -> settings.addAll(unit.all(SERVICE, key)));
        for (Setting setting : settings) {
            for (String word : Words.plain(setting.value())) {
                String source = setting.key().startsWith("Bind") ? word.replaceFirst(":.*", "") : word;
                setupPath(setting, Specifiers.expand(source.replaceFirst("^\\+", ""), unit.name()));
            }
        }
        for (String key : List.of("RootDirectory", "RootImage")) {
            for (Setting setting : unit.all(SERVICE, key)) {
                setupPath(setting, Specifiers.expand(setting.value(), unit.name()));
            }
        }
    }

    private void setupPath(Setting setting, String path) throws IOException {
        if (path.startsWith("/")
                && !Specifiers.open(path)
                && !madeAtBoot(path)
                && !Conditions.filledLater(path)
                && subject.tree().find(path).isEmpty()) {
            findings.error(
                    CauseCode.UNIT_SETUP_FAILED,
                    setting.file(),
                    setting.line(),
                    subject.whose() + " needs " + path + " for " + setting.key() + "=, and it is not there.",
                    "Make it in the image, or write " + setting.key() + "=-" + path + ".");
        }
    }

    private void output() throws IOException {
        for (String key : List.of("StandardOutput", "StandardError", "StandardInput")) {
            Optional<Setting> setting = unit.last(SERVICE, key);
            if (setting.isEmpty() || !setting.get().value().matches("(file|append|truncate):/.*")) {
                continue;
            }
            String path = Specifiers.expand(setting.get().value().replaceFirst("^[a-z]+:", ""), unit.name());
            String folder = path.substring(0, Math.max(1, path.lastIndexOf('/')));
            String needed = key.equals("StandardInput") ? path : folder;
            // /var/log itself is in every root; what is below it is not made by itself.
            boolean later = Conditions.filledLater(needed) && !needed.startsWith("/var/");
            if (!Specifiers.open(path)
                    && !later
                    && !madeAtBootExactly(needed)
                    && subject.tree().find(needed).isEmpty()) {
                findings.error(
                        CauseCode.UNIT_SETUP_FAILED,
                        setting.get().file(),
                        setting.get().line(),
                        subject.whose() + " has " + key + "= " + path + ", and " + needed + " is not there.",
                        "Make it in the image, or let the journal take the output.");
            }
        }
    }

    private boolean madeAtBootExactly(String path) throws IOException {
        return TemporaryFiles.makes(subject.tree(), path)
                || (madeAtBoot(path) && !Conditions.filledLater(path))
                || unit.all(SERVICE, "LogsDirectory").stream()
                        .anyMatch(setting -> path.equals("/var/log/" + setting.value()))
                || unit.all(SERVICE, "StateDirectory").stream()
                        .anyMatch(setting -> path.equals("/var/lib/" + setting.value()))
                || unit.all(SERVICE, "CacheDirectory").stream()
                        .anyMatch(setting -> path.equals("/var/cache/" + setting.value()));
    }

    private void bus() throws IOException {
        boolean onBus = unit.value(SERVICE, "Type").equals("dbus");
        boolean there = subject.tree().find("/usr/bin/dbus-daemon").isPresent()
                || subject.tree().find("/usr/bin/dbus-broker-launch").isPresent();
        if (onBus && !there) {
            Optional<Setting> type = unit.last(SERVICE, "Type");
            findings.error(
                    CauseCode.UNIT_DEPENDENCY_FAILED,
                    type.map(Setting::file).orElse(unit.path()),
                    type.map(Setting::line).orElse(0),
                    subject.whose() + " is of Type=dbus, and there is no D-Bus daemon in the image.",
                    "Add the package dbus, or use another type.");
        }
    }
}
