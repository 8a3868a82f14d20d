package dev.sallyport.image.verify.systemd;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A unit as systemd would have loaded it: its fragment and drop-ins, merged.
 *
 * @param name its own name, after aliases were followed
 * @param state whether it could be loaded
 * @param path its fragment, or the link that masks it; empty when there is none
 * @param settings of fragment and drop-ins in the order in which they count
 * @param problems what systemd would say about them
 * @param names all names that it is known by, its own first
 * @param line of its path that it stands in, when a table such as fstab(5) made it; else 0
 */
public record Unit(
        String name,
        State state,
        String path,
        List<Setting> settings,
        List<UnitProblem> problems,
        List<String> names,
        int line) {
    private static final Set<String> YES = Set.of("1", "yes", "y", "true", "t", "on");

    /** As {@code systemctl show} has it in LoadState. */
    public enum State {
        LOADED,
        MISSING,
        MASKED,
        /** Loaded, and refused for what it says. */
        BAD
    }

    public Unit {
        settings = List.copyOf(settings);
        problems = List.copyOf(problems);
        names = List.copyOf(names);
    }

    /** A unit that is nowhere. */
    static Unit missing(String name) {
        return new Unit(name, State.MISSING, "", List.of(), List.of(), List.of(name), 0);
    }

    /** A unit that systemd makes itself. */
    static Unit builtIn(String name) {
        return new Unit(name, State.LOADED, "", List.of(), List.of(), List.of(name), 0);
    }

    /** Such as {@code service}. */
    public String type() {
        return UnitName.type(name);
    }

    public boolean loaded() {
        return state == State.LOADED;
    }

    /** The section of its type, such as {@code Service}. */
    public String ownSection() {
        String type = type();
        return type.isEmpty() ? "" : type.substring(0, 1).toUpperCase(Locale.ROOT) + type.substring(1);
    }

    /** The last assignment of {@code key}. */
    public Optional<Setting> last(String section, String key) {
        Setting last = null;
        for (Setting setting : settings) {
            if (setting.section().equals(section) && setting.key().equals(key)) {
                last = setting;
            }
        }
        return Optional.ofNullable(last);
    }

    /** The value of the last assignment of {@code key}; empty when there is none. */
    public String value(String section, String key) {
        return last(section, key).map(Setting::value).orElse("");
    }

    /** All assignments of {@code key}, of which an empty one takes back those before it. */
    public List<Setting> all(String section, String key) {
        List<Setting> all = new ArrayList<>();
        for (Setting setting : settings) {
            if (setting.section().equals(section) && setting.key().equals(key)) {
                if (setting.value().isEmpty()) {
                    all.clear();
                } else {
                    all.add(setting);
                }
            }
        }
        return all;
    }

    /** A truth value, as systemd reads it. */
    public boolean flag(String section, String key, boolean otherwise) {
        return last(section, key)
                .map(setting -> YES.contains(setting.value().toLowerCase(Locale.ROOT)))
                .orElse(otherwise);
    }

    /** Whether it has the dependencies that most units have on the boot's early part. */
    public boolean defaultDependencies() {
        return flag("Unit", "DefaultDependencies", true);
    }

    /** True when {@code other} is one of its names. */
    public boolean isCalled(String other) {
        return names.contains(other);
    }

    /** Its first fatal problem. */
    public Optional<UnitProblem> fatal() {
        return problems.stream().filter(UnitProblem::fatal).findFirst();
    }
}
