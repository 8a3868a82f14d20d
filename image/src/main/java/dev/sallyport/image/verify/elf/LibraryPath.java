package dev.sallyport.image.verify.elf;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Where the dynamic linker of an image looks for libraries (ld.so(8), ldconfig(8)). */
public final class LibraryPath {
    private static final int MAX_CONFIGURATION = 64 << 10;
    private static final int MOST_FILES = 200;

    private final Tree tree;
    private final List<String> configured;
    private final Architecture architecture;
    private final boolean musl;

    private LibraryPath(Tree tree, List<String> configured, Architecture architecture, boolean musl) {
        this.tree = tree;
        this.configured = configured;
        this.architecture = architecture;
        this.musl = musl;
    }

    /** What a program of {@code architecture} that names {@code loader} finds in {@code tree}. */
    public static LibraryPath of(Tree tree, Architecture architecture, String loader) throws IOException {
        boolean musl = loader.contains("ld-musl");
        Set<String> folders = new LinkedHashSet<>();
        if (musl) {
            String name = loader.substring(loader.lastIndexOf('/') + 1).replaceAll("^ld-musl-|\\.so\\.1$", "");
            Optional<Entry> table = tree.find("/etc/ld-musl-" + name + ".path");
            if (table.isPresent()) {
                for (String line : table.get().text(MAX_CONFIGURATION).split("[\n:]", -1)) {
                    folders.add(line.strip());
                }
            } else {
                folders.addAll(List.of("/lib", "/usr/local/lib", "/usr/lib"));
            }
        } else {
            configuration(tree, "/etc/ld.so.conf", folders, new int[] {MOST_FILES});
            String triplet = triplet(architecture);
            for (String folder :
                    List.of("/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib")) {
                folders.add(folder);
            }
            if (architecture.machine() == 3) {
                folders.addAll(List.of("/lib32", "/usr/lib32"));
            }
        }
        folders.remove("");
        return new LibraryPath(tree, List.copyOf(folders), architecture, musl);
    }

    private static String triplet(Architecture architecture) {
        return switch (architecture.machine()) {
            case 3, 6 -> "i386-linux-gnu";
            case 62 -> architecture.wide() ? "x86_64-linux-gnu" : "x86_64-linux-gnux32";
            case 183 -> "aarch64-linux-gnu";
            case 40 -> "arm-linux-gnueabihf";
            case 243 -> "riscv64-linux-gnu";
            case 21 -> "powerpc64le-linux-gnu";
            case 22 -> "s390x-linux-gnu";
            default -> "unknown-linux-gnu";
        };
    }

    private static void configuration(Tree tree, String path, Set<String> folders, int[] left) throws IOException {
        Optional<Entry> file = tree.find(path);
        if (file.isEmpty() || file.get().kind() != Kind.FILE || left[0]-- <= 0) {
            return;
        }
        for (String line : file.get().text(MAX_CONFIGURATION).split("\n", -1)) {
            String plain = line.replaceFirst("#.*", "").strip();
            if (plain.matches("include\\s.*")) {
                String pattern = plain.substring(7).strip();
                String folder = pattern.contains("/") ? pattern.substring(0, pattern.lastIndexOf('/')) : "/etc";
                String absolute = folder.startsWith("/") ? folder : "/etc/" + folder;
                for (String included :
                        Globs.expand(tree, absolute + "/" + pattern.substring(pattern.lastIndexOf('/') + 1))) {
                    configuration(tree, included, folders, left);
                }
            } else if (plain.startsWith("/")) {
                folders.add(plain.replaceFirst("\\s*=.*", "").replaceFirst("(?<=.)/$", ""));
            }
        }
    }

    /**
     * The library called {@code name}, for the right architecture: the linker passes over those for others.
     *
     * @param loaded the file that needs it
     * @param origin the folder that it lies in
     * @param inherited the RPATH of those that needed it, nearest first
     * @param variable folders of {@code LD_LIBRARY_PATH}
     */
    Optional<Entry> find(String name, ElfFile loaded, String origin, List<String> inherited, List<String> variable)
            throws IOException {
        if (name.contains("/")) {
            return tree.find(name.startsWith("/") ? name : expand(name, origin));
        }
        List<String> folders = new ArrayList<>();
        if (loaded.runpath().isEmpty()) {
            loaded.rpath().forEach(folder -> folders.add(expand(folder, origin)));
            folders.addAll(inherited);
        }
        folders.addAll(variable);
        loaded.runpath().forEach(folder -> folders.add(expand(folder, origin)));
        if (!loaded.noDefaultLibraries()) {
            folders.addAll(configured);
        }
        for (String folder : folders) {
            for (String variant : variants(folder)) {
                Optional<Entry> found = tree.find(variant + "/" + name);
                if (found.isPresent() && found.get().kind() == Kind.FILE && fits(found.get())) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    private List<String> variants(String folder) throws IOException {
        if (musl || tree.find(folder + "/glibc-hwcaps").isEmpty()) {
            return List.of(folder);
        }
        // What a processor of the lowest level would not use may be what it has alone; the plain folder is tried first.
        return List.of(folder, folder + "/glibc-hwcaps/x86-64-v2", folder + "/glibc-hwcaps/x86-64-v3");
    }

    private boolean fits(Entry library) throws IOException {
        byte[] head = library.read(20);
        if (head.length < 20 || head[0] != 0x7f || head[1] != 'E') {
            return true; // Found, and then refused: that is for who reads it to say.
        }
        boolean little = head[5] == 1;
        int machine = little ? (head[18] & 0xff) | (head[19] & 0xff) << 8 : (head[19] & 0xff) | (head[18] & 0xff) << 8;
        return machine == architecture.machine() && (head[4] == 2) == architecture.wide();
    }

    String expand(String folder, String origin) {
        return folder.replace("${ORIGIN}", origin)
                .replace("$ORIGIN", origin)
                .replace("${LIB}", "lib/" + triplet(architecture))
                .replace("$LIB", "lib/" + triplet(architecture))
                .replace("${PLATFORM}", "x86_64")
                .replace("$PLATFORM", "x86_64");
    }

    boolean isMusl() {
        return musl;
    }
}
