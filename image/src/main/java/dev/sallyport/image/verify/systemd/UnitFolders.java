package dev.sallyport.image.verify.systemd;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The folders that the system's manager looks for units in (systemd.unit(5), "Unit File Load Path"), and what each name in them
 * stands for. A name is taken from the first folder that has it; links to other names are aliases.
 */
final class UnitFolders {
    private static final List<String> SEARCHED = List.of(
            "/etc/systemd/system.control",
            "/run/systemd/system.control",
            "/run/systemd/transient",
            "/etc/systemd/system",
            "/etc/systemd/system.attached",
            "/run/systemd/system",
            "/run/systemd/system.attached",
            "/run/systemd/generator",
            "/usr/local/lib/systemd/system",
            "/lib/systemd/system",
            "/usr/lib/systemd/system",
            "/run/systemd/generator.late");

    private final Tree tree;
    private final Map<String, Entry> folders = new LinkedHashMap<>();
    private final Map<String, Place> places = new HashMap<>();
    private final Map<String, String> dangling = new HashMap<>();

    /** What a name stands for. */
    sealed interface Place {
        /** @param at where the name was found: the file itself, or a link to it */
        record Fragment(String at, Entry file) implements Place {}

        record Alias(String at, String of) implements Place {}

        record Masked(String at) implements Place {}
    }

    UnitFolders(Tree tree) throws IOException {
        this.tree = tree;
        Set<String> resolved = new HashSet<>();
        for (String path : SEARCHED) {
            Optional<Entry> folder = tree.find(path);
            if (folder.isPresent()
                    && folder.get().kind() == Kind.FOLDER
                    && resolved.add(folder.get().path())) {
                folders.put(path, folder.get());
            }
        }
        for (Map.Entry<String, Entry> folder : folders.entrySet()) {
            for (Map.Entry<String, Entry> child :
                    tree.children(folder.getValue()).entrySet()) {
                if (UnitName.valid(child.getKey()) && !places.containsKey(child.getKey())) {
                    add(folder.getKey(), child.getKey(), child.getValue());
                }
            }
        }
    }

    /** The folders that are there, the most important first. */
    Map<String, Entry> folders() {
        return folders;
    }

    Optional<Place> place(String name) {
        return Optional.ofNullable(places.get(name));
    }

    /** The link of this name, in one of the folders, that leads nowhere. */
    Optional<String> dangling(String name) {
        return Optional.ofNullable(dangling.get(name));
    }

    /** All names that are aliases, with what they are aliases of. */
    Map<String, String> aliases() {
        Map<String, String> aliases = new HashMap<>();
        places.forEach((name, place) -> {
            if (place instanceof Place.Alias alias) {
                aliases.put(name, alias.of());
            }
        });
        return aliases;
    }

    private void add(String folder, String name, Entry child) throws IOException {
        String at = folder + "/" + name;
        switch (child.kind()) {
            case FILE ->
                places.put(name, child.node().size() == 0 ? new Place.Masked(at) : new Place.Fragment(at, child));
            case CHARACTER_DEVICE -> places.put(name, new Place.Masked(at));
            case LINK -> addLink(folder, name, child);
            default -> {
                // A folder of drop-ins or of dependencies, or nothing that systemd reads.
            }
        }
    }

    private void addLink(String folder, String name, Entry link) throws IOException {
        String at = folder + "/" + name;
        String target = absolute(folder, link.target());
        if (isNull(tree, target)) {
            places.put(name, new Place.Masked(at));
            return;
        }
        String base = target.substring(target.lastIndexOf('/') + 1);
        if (isUnitFolder(target.substring(0, Math.max(0, target.lastIndexOf('/')))) && UnitName.valid(base)) {
            if (!base.equals(name)) {
                places.put(name, new Place.Alias(at, base));
                return;
            }
        }
        Optional<Entry> file = tree.find(target);
        if (file.isEmpty() || file.get().kind() == Kind.FOLDER) {
            dangling.put(name, at);
        } else if (file.get().kind() != Kind.FILE || file.get().node().size() == 0) {
            places.put(name, new Place.Masked(at));
        } else {
            places.put(name, new Place.Fragment(at, file.get()));
        }
    }

    private boolean isUnitFolder(String path) throws IOException {
        if (SEARCHED.contains(path)) {
            return true;
        }
        Optional<Entry> folder = tree.find(path);
        return folder.isPresent()
                && folders.values().stream()
                        .anyMatch(known -> known.path().equals(folder.get().path()));
    }

    /** Follows links by their text: whether they end at /dev/null, which need not be in the tree. */
    static boolean isNull(Tree tree, String path) throws IOException {
        String at = path;
        for (int links = 0; links < 16; links++) {
            if (at.equals("/dev/null")) {
                return true;
            }
            Optional<Entry> entry = tree.findLink(at);
            if (entry.isEmpty() || entry.get().kind() != Kind.LINK) {
                return entry.isPresent() && entry.get().kind() == Kind.CHARACTER_DEVICE;
            }
            at = absolute(at.substring(0, at.lastIndexOf('/')), entry.get().target());
        }
        return false;
    }

    /** The path that {@code target} names in {@code folder}, without dots. */
    static String absolute(String folder, String target) {
        Deque<String> parts = new ArrayDeque<>();
        for (String part : (target.startsWith("/") ? target : folder + "/" + target).split("/", -1)) {
            if (part.equals("..")) {
                parts.pollLast();
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.addLast(part);
            }
        }
        return "/" + String.join("/", parts);
    }

    /** The drop-ins of a unit with these names: of two of one name, the more specific or more important one. */
    List<Entry> dropIns(List<String> names) throws IOException {
        Map<String, Entry> byName = new java.util.TreeMap<>();
        Set<String> masked = new HashSet<>();
        List<String> specific = new ArrayList<>();
        for (String name : names) {
            UnitName.dropInNames(name).stream()
                    .filter(one -> !specific.contains(one))
                    .forEach(specific::add);
        }
        specific.remove(UnitName.type(names.getFirst()));
        specific.add(UnitName.type(names.getFirst()));
        for (String name : specific) {
            for (String folder : folders.keySet()) {
                String path = folder + "/" + name + ".d";
                for (String file : tree.names(path)) {
                    if (!file.endsWith(".conf") || byName.containsKey(file) || !masked.add(file)) {
                        continue;
                    }
                    Optional<Entry> found = tree.find(path + "/" + file);
                    if (found.isPresent() && found.get().kind() == Kind.FILE) {
                        byName.put(file, found.get());
                    }
                }
            }
        }
        return List.copyOf(byName.values());
    }
}
