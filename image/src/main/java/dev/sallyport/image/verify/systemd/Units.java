package dev.sallyport.image.verify.systemd;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.systemd.Unit.State;
import dev.sallyport.image.verify.systemd.UnitFolders.Place;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Loads units by their names, as systemd does. */
public final class Units {
    /** Most bytes of a unit file that are read; systemd itself takes lines of at most 1 MiB. */
    private static final int MAX_FILE = 1 << 20;

    private static final int MOST_HOPS = 16;
    /** What systemd makes without a file. */
    private static final Set<String> BUILT_IN_TYPES = Set.of("device", "slice", "scope");

    private final Tree tree;
    private final UnitFolders folders;
    private final Map<String, Unit> known = new HashMap<>();
    private final Map<String, List<String>> aliases = new HashMap<>();
    private final Map<String, List<Link>> madeLinks = new HashMap<>();
    private final Set<String> masked;

    /**
     * A name in a folder of dependencies of a unit.
     *
     * @param path the link
     * @param name the unit that it makes its folder's unit depend on
     * @param required true in {@code .requires}, false in {@code .wants}
     * @param state whether the link leads somewhere
     * @param line when a table made it: the line; else 0
     */
    public record Link(String path, String name, boolean required, LinkState state, int line) {}

    /** Where a link leads. */
    public enum LinkState {
        OK,
        DANGLING,
        /** To /dev/null: it does not count. */
        MASKED,
        /** No link at all: it does not count. */
        NO_LINK
    }

    /**
     * @param masked names of units that the kernel's command line masks ({@code systemd.mask=})
     * @throws IOException when the tree cannot be read
     */
    public Units(Tree tree, Set<String> masked) throws IOException {
        this.tree = tree;
        this.masked = Set.copyOf(masked);
        folders = new UnitFolders(tree);
        folders.aliases()
                .forEach((alias, of) -> aliases.computeIfAbsent(of, ignored -> new ArrayList<>())
                        .add(alias));
    }

    /** The unit called {@code name}; never null: what is nowhere has that state. */
    public Unit load(String name) throws IOException {
        Unit unit = known.get(name);
        if (unit == null) {
            unit = read(name);
            known.put(name, unit);
            known.putIfAbsent(unit.name(), unit);
        }
        return unit;
    }

    /** A link of this name in the folders of units that leads nowhere. */
    public Optional<String> dangling(String name) {
        return folders.dangling(name);
    }

    /** Adds a unit that a generator would make, unless there is one of this name. */
    void make(Unit unit) throws IOException {
        if (load(unit.name()).state() == State.MISSING) {
            known.put(unit.name(), unit);
        }
    }

    /** Adds a dependency that a generator would make. */
    void link(String from, Link link) {
        madeLinks.computeIfAbsent(from, ignored -> new ArrayList<>()).add(link);
    }

    /** What the {@code .wants} and {@code .requires} folders of {@code unit} hold. */
    public List<Link> links(Unit unit) throws IOException {
        List<Link> links = new ArrayList<>();
        for (String name : unit.names()) {
            addLinks(name, UnitName.instance(name), links);
            if (!UnitName.instance(name).isEmpty()) {
                addLinks(UnitName.template(name), UnitName.instance(name), links);
            }
            links.addAll(madeLinks.getOrDefault(name, List.of()));
        }
        return links;
    }

    /** All folders of dependencies, as the units that they belong to; for those who look for a link wherever it is. */
    public List<String> linkedFrom() throws IOException {
        List<String> names = new ArrayList<>();
        for (Entry folder : folders.folders().values()) {
            for (String name : tree.children(folder).keySet()) {
                String owner = name.replaceFirst("\\.(wants|requires|upholds)$", "");
                if (!owner.equals(name) && UnitName.valid(owner) && !names.contains(owner)) {
                    names.add(owner);
                }
            }
        }
        return names;
    }

    private void addLinks(String owner, String instance, List<Link> links) throws IOException {
        for (String kind : List.of("wants", "requires", "upholds")) {
            for (String folder : folders.folders().keySet()) {
                String path = folder + "/" + owner + "." + kind;
                Optional<Entry> found = tree.find(path);
                if (found.isEmpty() || found.get().kind() != Kind.FOLDER) {
                    continue;
                }
                for (Map.Entry<String, Entry> child : tree.children(found.get()).entrySet()) {
                    if (UnitName.valid(child.getKey())) {
                        String at = path + "/" + child.getKey();
                        links.add(new Link(
                                at,
                                UnitName.instantiated(child.getKey(), instance),
                                kind.equals("requires"),
                                state(at, path, child.getValue()),
                                0));
                    }
                }
            }
        }
    }

    private LinkState state(String at, String folder, Entry child) throws IOException {
        if (child.kind() != Kind.LINK) {
            return child.kind() == Kind.CHARACTER_DEVICE ? LinkState.MASKED : LinkState.NO_LINK;
        }
        if (UnitFolders.isNull(tree, UnitFolders.absolute(folder, child.target()))) {
            return LinkState.MASKED;
        }
        return tree.find(at).isPresent() ? LinkState.OK : LinkState.DANGLING;
    }

    private Unit read(String name) throws IOException {
        String at = name;
        for (int hops = 0; hops < MOST_HOPS; hops++) {
            Optional<Place> place = folders.place(at);
            if (place.isEmpty() && !UnitName.instance(at).isEmpty()) {
                place = folders.place(UnitName.template(at));
            }
            if (masked.contains(at)) {
                return new Unit(at, State.MASKED, "systemd.mask=", List.of(), List.of(), List.of(at), 0);
            }
            if (place.isEmpty()) {
                return BUILT_IN_TYPES.contains(UnitName.type(at)) || at.equals("-.mount")
                        ? Unit.builtIn(at)
                        : Unit.missing(at);
            }
            switch (place.get()) {
                case Place.Alias alias -> at = UnitName.instantiated(alias.of(), UnitName.instance(at));
                case Place.Masked mask -> {
                    return new Unit(at, State.MASKED, mask.at(), List.of(), List.of(), List.of(at), 0);
                }
                case Place.Fragment fragment -> {
                    return merged(at, fragment);
                }
            }
        }
        return Unit.missing(name);
    }

    private Unit merged(String name, Place.Fragment fragment) throws IOException {
        List<String> names = new ArrayList<>(List.of(name));
        names.addAll(aliases.getOrDefault(name, List.of()));
        List<Setting> settings = new ArrayList<>();
        List<UnitProblem> problems = new ArrayList<>();
        boolean broken = !add(fragment.at(), UnitName.type(name), fragment.file(), settings, problems);
        for (Entry dropIn : folders.dropIns(names)) {
            add(dropIn.path(), UnitName.type(name), dropIn, settings, problems);
        }
        var unit = new Unit(name, State.LOADED, fragment.at(), settings, problems, names, 0);
        List<UnitProblem> all = new ArrayList<>(problems);
        if (!broken) {
            all.addAll(UnitRules.problems(unit));
        }
        boolean bad = all.stream().anyMatch(UnitProblem::fatal);
        return new Unit(name, bad ? State.BAD : State.LOADED, fragment.at(), settings, all, names, 0);
    }

    private static boolean add(String path, String type, Entry file, List<Setting> settings, List<UnitProblem> problems)
            throws IOException {
        UnitFile read = UnitFile.parse(path, type, file.text(MAX_FILE));
        settings.addAll(read.settings());
        problems.addAll(read.problems());
        return read.problems().stream().noneMatch(UnitProblem::fatal);
    }
}
