package dev.sallyport.image.verify.systemd;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Which conditions and assertions of a unit are proven to fail (systemd.unit(5), "Conditions and Asserts"). What only a boot can
 * tell counts as met.
 */
public final class Conditions {
    private static final List<String> FILLED_LATER = List.of(
            "/run", "/proc", "/sys", "/dev", "/tmp", "/var/run", "/var/tmp", "/var/lib", "/var/cache", "/var/log");

    private enum Answer {
        YES,
        NO,
        UNKNOWN
    }

    private Conditions() {}

    /**
     * The setting that keeps {@code unit} from starting.
     *
     * @param prefix {@code Condition}, for which a unit is skipped, or {@code Assert}, for which it fails
     */
    public static Optional<Setting> failing(Tree tree, Unit unit, String prefix) throws IOException {
        Setting triggering = null;
        boolean triggered = false;
        for (Setting setting : unit.settings()) {
            if (!setting.section().equals("Unit")
                    || !setting.key().startsWith(prefix)
                    || setting.value().isEmpty()) {
                continue;
            }
            boolean either = setting.value().startsWith("|");
            String value = either ? setting.value().substring(1) : setting.value();
            boolean negated = value.startsWith("!");
            String subject = Specifiers.expand(negated ? value.substring(1) : value, unit.name());
            Answer answer = answer(tree, setting.key().substring(prefix.length()), subject.strip());
            boolean fails = answer == (negated ? Answer.YES : Answer.NO);
            if (either) {
                triggering = setting;
                triggered |= !fails;
            } else if (fails) {
                return Optional.of(setting);
            }
        }
        return triggering == null || triggered ? Optional.empty() : Optional.of(triggering);
    }

    private static Answer answer(Tree tree, String test, String subject) throws IOException {
        return switch (test) {
            case "PathExists" -> path(tree, subject, ignored -> true);
            case "PathIsDirectory" -> path(tree, subject, entry -> entry.kind() == Kind.FOLDER);
            case "FileNotEmpty" ->
                path(
                        tree,
                        subject,
                        entry -> entry.kind() == Kind.FILE && entry.node().size() > 0);
            case "FileIsExecutable" ->
                path(
                        tree,
                        subject,
                        entry -> entry.kind() == Kind.FILE && entry.node().executable());
            case "DirectoryNotEmpty" -> filled(tree, subject);
            case "User" -> truth(subject.equals("root") || subject.equals("0") || subject.equals("@system"));
            case "Virtualization" ->
                switch (subject) {
                    case "container", "systemd-nspawn", "docker", "lxc", "podman", "wsl", "openvz", "private-users" ->
                        Answer.NO;
                    default -> Answer.UNKNOWN;
                };
            default -> Answer.UNKNOWN;
        };
    }

    /** What a path must be. */
    private interface Test {
        boolean holds(Entry entry) throws IOException;
    }

    private static Answer path(Tree tree, String path, Test test) throws IOException {
        if (Specifiers.open(path) || !path.startsWith("/")) {
            return Answer.UNKNOWN;
        }
        Optional<Entry> found = tree.find(path);
        if (found.isPresent()) {
            return truth(test.holds(found.get()));
        }
        return filledLater(path) ? Answer.UNKNOWN : Answer.NO;
    }

    private static Answer filled(Tree tree, String path) throws IOException {
        Optional<Entry> found = tree.find(path);
        if (found.isPresent()
                && found.get().kind() == Kind.FOLDER
                && !tree.children(found.get()).isEmpty()) {
            return Answer.YES;
        }
        return filledLater(path) || Specifiers.open(path) ? Answer.UNKNOWN : Answer.NO;
    }

    private static Answer truth(boolean holds) {
        return holds ? Answer.YES : Answer.NO;
    }

    /** True for what a boot fills, so that its absence from an image proves nothing. */
    public static boolean filledLater(String path) {
        return FILLED_LATER.stream().anyMatch(folder -> path.equals(folder) || path.startsWith(folder + "/"));
    }
}
