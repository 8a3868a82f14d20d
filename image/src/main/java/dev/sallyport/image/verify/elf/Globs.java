package dev.sallyport.image.verify.elf;

import dev.sallyport.image.tree.Tree;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;

/** Shell patterns over a tree (glob(7)); at most some hundred matches. */
public final class Globs {
    private static final int MOST = 500;

    private Globs() {}

    /** Paths that match {@code pattern}, sorted. */
    public static List<String> expand(Tree tree, String pattern) throws IOException {
        List<String> at = List.of("");
        for (String part : pattern.split("/", -1)) {
            if (part.isEmpty()) {
                continue;
            }
            List<String> next = new ArrayList<>();
            for (String folder : at) {
                if (!part.matches(".*[*?\\[].*")) {
                    next.add(folder + "/" + part);
                    continue;
                }
                PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + part.replace("{", "\\{"));
                for (String name : tree.names(folder.isEmpty() ? "/" : folder)) {
                    if (matcher.matches(Path.of(name))
                            && (!name.startsWith(".") || part.startsWith("."))
                            && next.size() < MOST) {
                        next.add(folder + "/" + name);
                    }
                }
            }
            at = next;
        }
        List<String> found = new ArrayList<>();
        for (String path : at) {
            if (tree.find(path).isPresent()) {
                found.add(path);
            }
        }
        return found;
    }
}
