package dev.sallyport.image.verify.systemd;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What systemd 252 refuses a unit for, and what it ignores with a warning (systemd.service(5), systemd.exec(5), and the words of
 * the manager itself).
 */
final class UnitRules {
    private static final String SERVICE = "Service";
    private static final int MOST_UNKNOWN = 50;
    private static final Set<String> TYPES =
            Set.of("simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle");
    private static final Set<String> RESTARTS =
            Set.of("no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog");
    private static final Set<String> TRUTHS =
            Set.of("1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off");
    /** As systemd takes names that are not created by itself (https://systemd.io/USER_NAMES), in its relaxed mode. */
    private static final Pattern ACCOUNT =
            Pattern.compile("(?![0-9]+[^0-9])[^\\s:/,\\p{Cntrl}-][^:/,\\p{Cntrl}]{0,255}");

    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*=(?s).*");

    private final Unit unit;
    private final List<UnitProblem> problems = new ArrayList<>();

    private UnitRules(Unit unit) {
        this.unit = unit;
    }

    static List<UnitProblem> problems(Unit unit) {
        var rules = new UnitRules(unit);
        rules.keys();
        if (unit.type().equals("service")) {
            rules.service();
        } else if (unit.type().equals("socket")) {
            rules.socket();
        }
        return rules.problems;
    }

    private void keys() {
        for (Setting setting : unit.settings()) {
            if (problems.size() >= MOST_UNKNOWN) {
                return;
            }
            KnownKeys.nearest(setting.section(), setting.key())
                    .ifPresent(hint -> warn(
                            setting,
                            "'" + setting.key() + "' is no setting of [" + setting.section() + "], and is ignored"
                                    + (hint.isEmpty() ? "" : " (did you mean '" + hint + "'?)")));
        }
    }

    private void service() {
        choice("Type", TYPES);
        choice("Restart", RESTARTS);
        truth("RemainAfterExit");
        truth("DynamicUser");
        List<ExecCommand> start = ExecLines.read(unit, SERVICE, "ExecStart", problems);
        for (String key :
                List.of("ExecStartPre", "ExecStartPost", "ExecCondition", "ExecStop", "ExecStopPost", "ExecReload")) {
            ExecLines.read(unit, SERVICE, key, problems);
        }
        boolean stops = !unit.all(SERVICE, "ExecStop").isEmpty();
        boolean success = !unit.value("Unit", "SuccessAction").isEmpty()
                && !unit.value("Unit", "SuccessAction").equals("none");
        String type = type();
        boolean oneshot = type.equals("oneshot");
        if (start.isEmpty() && !stops && !success) {
            refuse(
                    line("ExecStart"),
                    hasSection()
                            ? "The service has no ExecStart=, ExecStop= or SuccessAction=."
                            : "The service has no [Service] section with an ExecStart=.");
        } else if (start.isEmpty() && !oneshot) {
            refuse(line("ExecStart"), "The service has no ExecStart=, which only Type=oneshot may leave out.");
        } else if (start.isEmpty() && !unit.flag(SERVICE, "RemainAfterExit", false) && !success) {
            refuse(line("ExecStart"), "The service has no ExecStart=, and no RemainAfterExit=yes.");
        } else if (start.size() > 1 && !oneshot) {
            refuse(
                    Optional.of(start.get(1).setting()),
                    "The service has " + start.size() + " ExecStart= commands, which only Type=oneshot may have.");
        }
        String restart = unit.value(SERVICE, "Restart");
        if (oneshot && (restart.equals("always") || restart.equals("on-success"))) {
            refuse(line("Restart"), "Restart=" + restart + " is not allowed for Type=oneshot.");
        }
        if (type.equals("dbus") && unit.value(SERVICE, "BusName").isEmpty()) {
            refuse(line("Type"), "The service is of Type=dbus, and no BusName= is given.");
        }
        String kill = unit.value(SERVICE, "KillMode");
        if (!unit.value(SERVICE, "PAMName").isEmpty() && (kill.equals("process") || kill.equals("none"))) {
            refuse(line("KillMode"), "KillMode=" + kill + " is not allowed with PAMName=.");
        }
        paths();
        accounts();
        environment();
    }

    /** The type that counts: one that is unknown was ignored. */
    private String type() {
        String type = "";
        for (Setting setting : unit.settings()) {
            if (setting.section().equals(SERVICE) && setting.key().equals("Type") && TYPES.contains(setting.value())) {
                type = setting.value();
            }
        }
        if (!type.isEmpty()) {
            return type;
        }
        boolean starts = !unit.all(SERVICE, "ExecStart").isEmpty();
        return starts ? (unit.value(SERVICE, "BusName").isEmpty() ? "simple" : "dbus") : "oneshot";
    }

    private void socket() {
        boolean listens = unit.settings().stream()
                .anyMatch(setting ->
                        setting.section().equals("Socket") && setting.key().startsWith("Listen"));
        if (!listens) {
            refuse(Optional.empty(), "The socket unit has no Listen…= setting.");
        }
    }

    private void paths() {
        Optional<Setting> folder = unit.last(SERVICE, "WorkingDirectory");
        if (folder.isPresent()) {
            String value = folder.get().value();
            String path = Specifiers.expand(value.startsWith("-") ? value.substring(1) : value, unit.name());
            if (!path.isEmpty() && !path.equals("~") && !path.startsWith("/") && !Specifiers.open(path)) {
                problems.add(new UnitProblem(
                        !value.startsWith("-"),
                        folder.get().file(),
                        folder.get().line(),
                        "WorkingDirectory= is neither an absolute path nor '~'."));
            }
        }
        for (String key : List.of("RootDirectory", "RootImage")) {
            for (Setting setting : unit.all(SERVICE, key)) {
                if (!setting.value().startsWith("/")
                        && !setting.value().startsWith("%")
                        && !setting.value().startsWith("-")) {
                    warn(setting, key + "= is no absolute path, and is ignored");
                }
            }
        }
        for (Setting setting : unit.all(SERVICE, "EnvironmentFile")) {
            String path = Specifiers.expand(setting.value().replaceFirst("^-", ""), unit.name());
            if (!path.startsWith("/")) {
                warn(setting, "EnvironmentFile= is no absolute path, and is ignored");
            }
        }
    }

    private void accounts() {
        for (String key : List.of("User", "Group")) {
            for (Setting setting : unit.all(SERVICE, key)) {
                String name = Specifiers.expand(setting.value(), unit.name());
                if (!ACCOUNT.matcher(name).matches() || name.equals(".") || name.equals("..")) {
                    refuse(Optional.of(setting), key + "= is neither a name nor a number of an account.");
                }
            }
        }
    }

    private void environment() {
        for (Setting setting : unit.all(SERVICE, "Environment")) {
            try {
                for (Words.Word word : Words.split(setting.value())) {
                    if (!VARIABLE.matcher(word.text()).matches()) {
                        warn(setting, "Environment= holds a word that assigns nothing, and that is ignored");
                    }
                }
            } catch (Words.BadQuotingException e) {
                warn(setting, "Environment= cannot be split into words: " + e.getMessage());
            }
        }
    }

    private void choice(String key, Set<String> values) {
        for (Setting setting : unit.all(SERVICE, key)) {
            if (!values.contains(setting.value())) {
                warn(
                        setting,
                        key + "=" + shortened(setting.value()) + " is no value that systemd knows, and is ignored");
            }
        }
    }

    private void truth(String key) {
        for (Setting setting : unit.all(SERVICE, key)) {
            if (!TRUTHS.contains(setting.value().toLowerCase(Locale.ROOT))) {
                warn(setting, key + "=" + shortened(setting.value()) + " is no truth value, and is ignored");
            }
        }
    }

    private static String shortened(String value) {
        return value.length() <= 40 ? value : value.substring(0, 39) + "…";
    }

    private boolean hasSection() {
        return unit.settings().stream().anyMatch(setting -> setting.section().equals(SERVICE));
    }

    private Optional<Setting> line(String key) {
        return unit.last(SERVICE, key);
    }

    private void refuse(Optional<Setting> where, String text) {
        problems.add(new UnitProblem(
                true,
                where.map(Setting::file).orElse(unit.path()),
                where.map(Setting::line).orElse(0),
                text));
    }

    private void warn(Setting where, String text) {
        problems.add(new UnitProblem(false, where.file(), where.line(), text + "."));
    }
}
