package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Globs;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** What systemd-tmpfiles makes early in a boot (tmpfiles.d(5)). */
final class TemporaryFiles {
    private static final int MAX_FILE = 64 << 10;

    private TemporaryFiles() {}

    /** True when a line makes {@code path} or something in it. */
    static boolean makes(Tree tree, String path) throws IOException {
        for (String folder : List.of("/etc/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d")) {
            for (String name : Globs.expand(tree, folder + "/*.conf")) {
                Optional<Entry> file = tree.find(name);
                if (file.isPresent()
                        && file.get().kind() == Kind.FILE
                        && makes(file.get().text(MAX_FILE), path)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean makes(String text, String path) {
        return text.lines()
                .map(line -> line.strip().split("\\s+", 3))
                .anyMatch(words -> words.length >= 2
                        && words[0].matches("[fFwdDvqQpLcbC][+!=~^-]*")
                        && (words[1].equals(path) || words[1].startsWith(path + "/")));
    }
}
