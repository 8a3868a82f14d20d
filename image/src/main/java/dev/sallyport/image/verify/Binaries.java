package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.Programs.Use;
import dev.sallyport.image.verify.elf.Architecture;
import dev.sallyport.image.verify.elf.ElfException;
import dev.sallyport.image.verify.elf.ElfFile;
import dev.sallyport.image.verify.elf.Linking;
import dev.sallyport.image.verify.elf.Linking.Failure;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.Optional;

/** Whether an ELF program can be loaded: its architecture, its loader, its libraries and their symbol versions. */
final class Binaries {
    private static final int MAX_LIST = 64 << 10;

    private final Tree tree;
    private final Architecture architecture;
    private final Findings findings;

    Binaries(Tree tree, Architecture architecture, Findings findings) {
        this.tree = tree;
        this.architecture = architecture;
        this.findings = findings;
    }

    /** False when it cannot be loaded. */
    boolean check(String path, Entry file, Use use) throws IOException {
        ElfFile elf;
        try {
            elf = ElfFile.read(file);
        } catch (ElfException e) {
            findings.add(
                    use.error(),
                    CauseCode.EXEC_FORMAT,
                    path,
                    0,
                    use.whose() + " starts " + path + ", which is no sound program: " + e.getMessage() + ".",
                    "Install the program again.");
            return false;
        }
        if (!architecture.runs(elf.architecture())) {
            findings.add(
                    use.error(),
                    CauseCode.ARCHITECTURE_WRONG,
                    path,
                    0,
                    use.whose() + " starts " + path + ", which is for "
                            + elf.architecture().name() + ", and the machine is " + architecture.name() + ".",
                    "Install the program for " + architecture.name() + ".");
            return false;
        }
        if (elf.type() != 2 && elf.type() != 3) {
            findings.add(
                    use.error(),
                    CauseCode.EXEC_FORMAT,
                    path,
                    0,
                    use.whose() + " starts " + path + ", which is an object file or a core dump, and no program.",
                    "Link it, or install the right program.");
            return false;
        }
        if (elf.interpreter().isEmpty()) {
            return true; // Static, or a loader itself.
        }
        if (tree.find(elf.interpreter()).isEmpty()) {
            findings.add(
                    use.error(),
                    CauseCode.LOADER_MISSING,
                    path,
                    0,
                    use.whose() + " starts " + path + ", which needs the loader " + elf.interpreter()
                            + ", and that is not there.",
                    elf.interpreter().contains("musl")
                            ? "It was built for musl: install musl, or the program's build for glibc."
                            : "Add the C library that it was built for.");
            return false;
        }
        return linked(path, file, elf, use);
    }

    private boolean linked(String path, Entry file, ElfFile elf, Use use) throws IOException {
        Optional<Entry> list = tree.find("/etc/ld.so.preload");
        if (list.isPresent() && list.get().kind() == Kind.FILE) {
            for (String word :
                    list.get().text(MAX_LIST).replaceAll("(?m)#.*$", "").split("[\\s:]+", -1)) {
                if (!word.isEmpty() && tree.find(word).isEmpty()) {
                    findings.warning(
                            CauseCode.LIBRARY_MISSING,
                            "/etc/ld.so.preload",
                            0,
                            "Every program preloads " + word + ", which is not there, and says so.",
                            "Correct the list.");
                }
            }
        }
        boolean sound = true;
        for (Failure failure : Linking.check(tree, file, elf, use.libraries())) {
            sound = false;
            report(path, failure, use);
        }
        for (String preload : use.preloads()) {
            if (preload.startsWith("/") && tree.find(preload).isEmpty()) {
                findings.warning(
                        CauseCode.LIBRARY_MISSING,
                        use.file(),
                        use.line(),
                        use.whose() + " preloads " + preload + ", which is not there.",
                        "Correct LD_PRELOAD.");
            }
        }
        return sound;
    }

    private void report(String path, Failure failure, Use use) {
        switch (failure) {
            case Failure.Missing missing ->
                findings.add(
                        use.error(),
                        CauseCode.LIBRARY_MISSING,
                        missing.neededBy(),
                        0,
                        use.whose() + " starts " + path + ", and the library " + missing.library() + " that "
                                + (missing.neededBy().equals(path) ? "it" : missing.neededBy()) + " needs is nowhere.",
                        "Add the package that holds " + missing.library() + ".");
            case Failure.Damaged damaged ->
                findings.add(
                        use.error(),
                        CauseCode.LIBRARY_MISSING,
                        damaged.path(),
                        0,
                        use.whose() + " starts " + path + ", and its library " + damaged.path() + " is damaged: "
                                + damaged.why() + ".",
                        "Install the library again.");
            case Failure.VersionMissing version ->
                findings.add(
                        use.error(),
                        CauseCode.SYMBOL_VERSION_MISSING,
                        version.neededBy(),
                        0,
                        use.whose() + " starts " + path + ", and " + version.neededBy() + " needs " + version.version()
                                + " of " + version.libraryPath() + ", which has "
                                + (version.newest().isEmpty() ? "none of that kind" : version.newest() + " at most")
                                + ".",
                        "Build the program on the image's release, or base the image on a newer one.");
        }
    }
}
