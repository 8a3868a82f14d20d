package dev.sallyport.image.verify.elf;

import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Loads a program's libraries, transitively, as the dynamic linker would, and says what it would refuse. */
public final class Linking {
    private static final int MOST_LIBRARIES = 1000;
    /** Of musl, all are one file. */
    private static final Set<String> MUSL_OWN = Set.of("libc.so", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1");

    private final Tree tree;
    private final LibraryPath path;
    private final String loader;
    private final List<String> variable;
    private final Map<String, Loaded> loaded = new LinkedHashMap<>();
    private final List<Failure> failures = new ArrayList<>();

    /** What the linker refuses. */
    public sealed interface Failure {
        /** A library that is nowhere. */
        record Missing(String library, String neededBy) implements Failure {}

        /** A library that is there and damaged. */
        record Damaged(String path, String why) implements Failure {}

        /** @param newest the newest version of the same family that the library has; empty when it has none */
        record VersionMissing(String version, String libraryPath, String newest, String neededBy) implements Failure {}
    }

    private record Loaded(String path, ElfFile file) {}

    private record Wanted(String library, Loaded by, List<String> inherited) {}

    private Linking(Tree tree, LibraryPath path, String loader, List<String> variable) {
        this.tree = tree;
        this.path = path;
        this.loader = loader;
        this.variable = variable;
    }

    /**
     * What keeps {@code program} from being linked; empty when all is there.
     *
     * @param variable folders of {@code LD_LIBRARY_PATH}
     */
    public static List<Failure> check(Tree tree, Entry program, ElfFile file, List<String> variable)
            throws IOException {
        LibraryPath path = LibraryPath.of(tree, file.architecture(), file.interpreter());
        var linking = new Linking(tree, path, file.interpreter(), variable);
        linking.load(new Loaded(program.path(), file));
        linking.versions(new Loaded(program.path(), file));
        return linking.failures;
    }

    private void load(Loaded program) throws IOException {
        Deque<Wanted> left = new ArrayDeque<>();
        want(program, List.of(), left);
        while (!left.isEmpty() && loaded.size() < MOST_LIBRARIES) {
            Wanted wanted = left.poll();
            String name = wanted.library();
            if (loaded.containsKey(name) || isLoader(name)) {
                continue;
            }
            Optional<Entry> found =
                    path.find(name, wanted.by().file(), folder(wanted.by().path()), wanted.inherited(), variable);
            if (found.isEmpty()) {
                if (failures.stream()
                        .noneMatch(failure -> failure instanceof Failure.Missing missing
                                && missing.library().equals(name))) {
                    failures.add(new Failure.Missing(name, wanted.by().path()));
                }
                continue;
            }
            try {
                var library = new Loaded(found.get().path(), ElfFile.read(found.get()));
                loaded.put(name, library);
                loaded.putIfAbsent(library.file().soname(), library);
                want(library, rpath(wanted.by(), wanted.inherited()), left);
            } catch (ElfException e) {
                failures.add(new Failure.Damaged(found.get().path(), String.valueOf(e.getMessage())));
            }
        }
    }

    private void want(Loaded by, List<String> inherited, Deque<Wanted> left) {
        by.file().needed().forEach(name -> left.add(new Wanted(name, by, inherited)));
    }

    private List<String> rpath(Loaded by, List<String> inherited) {
        List<String> folders = new ArrayList<>();
        by.file().rpath().forEach(folder -> folders.add(path.expand(folder, folder(by.path()))));
        inherited.stream().limit(100).forEach(folders::add);
        return folders;
    }

    private boolean isLoader(String name) throws IOException {
        return (path.isMusl() && MUSL_OWN.contains(name))
                || (!loader.isEmpty()
                        && loader.endsWith("/" + name)
                        && tree.find(loader).isPresent());
    }

    private void versions(Loaded program) throws IOException {
        if (path.isMusl()) {
            return; // Its linker does not look at versions.
        }
        List<Loaded> all = new ArrayList<>(List.of(program));
        loaded.values().stream().distinct().forEach(all::add);
        for (Loaded one : all) {
            for (Map.Entry<String, Set<String>> need :
                    one.file().versionsNeeded().entrySet()) {
                Loaded library = library(need.getKey());
                // A library without any versions is taken for all, with a warning.
                if (library == null || library.file().versionsDefined().isEmpty()) {
                    continue;
                }
                List<String> lacking = need.getValue().stream()
                        .filter(version -> !library.file().versionsDefined().contains(version))
                        .sorted(Versions.ORDER)
                        .toList();
                if (!lacking.isEmpty()) {
                    failures.add(new Failure.VersionMissing(
                            lacking.getLast(),
                            library.path(),
                            Versions.newest(library.file().versionsDefined(), lacking.getLast()),
                            one.path()));
                }
            }
        }
    }

    private @org.jspecify.annotations.Nullable Loaded library(String name) throws IOException {
        Loaded library = loaded.get(name);
        if (library == null && isLoader(name)) {
            Optional<Entry> file = tree.find(loader);
            if (file.isPresent()) {
                try {
                    return new Loaded(file.get().path(), ElfFile.read(file.get()));
                } catch (ElfException e) {
                    failures.add(new Failure.Damaged(file.get().path(), String.valueOf(e.getMessage())));
                }
            }
        }
        return library;
    }

    private static String folder(String path) {
        return path.substring(0, Math.max(1, path.lastIndexOf('/')));
    }
}
