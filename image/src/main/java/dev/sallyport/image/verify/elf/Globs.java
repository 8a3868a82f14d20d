package dev.sallyport.image.verify.elf;

import dev.sallyport.image.tree.Tree;
import java.io.IOException;
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
                for (String name : tree.names(folder.isEmpty() ? "/" : folder)) {
                    if (matches(part, name) && next.size() < MOST) {
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

    /** Whether a name matches one part of a pattern. Its time is the product of both lengths at the most. */
    public static boolean matches(String pattern, String name) {
        if (name.startsWith(".") && !pattern.startsWith(".")) {
            return false;
        }
        int p = 0;
        int n = 0;
        int star = -1;
        int from = 0;
        while (n < name.length()) {
            int next = p < pattern.length() && pattern.charAt(p) != '*' ? one(pattern, p, name.charAt(n)) : -1;
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                star = p;
                from = n;
                p++;
            } else if (next > 0) {
                p = next;
                n++;
            } else if (star >= 0) {
                // The last star takes one more: earlier ones need not be tried again.
                p = star + 1;
                from++;
                n = from;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }

    /** Behind the part of the pattern that matches one character; -1 when it does not. */
    private static int one(String pattern, int at, char c) {
        char first = pattern.charAt(at);
        int end = pattern.indexOf(']', at + 2);
        if (first == '[' && end > 0) {
            boolean negated = pattern.charAt(at + 1) == '!' || pattern.charAt(at + 1) == '^';
            boolean found = false;
            int i = at + (negated ? 2 : 1);
            while (i < end) {
                if (i + 2 < end && pattern.charAt(i + 1) == '-') {
                    found |= c >= pattern.charAt(i) && c <= pattern.charAt(i + 2);
                    i += 3;
                } else {
                    found |= c == pattern.charAt(i);
                    i++;
                }
            }
            return found == negated ? -1 : end + 1;
        }
        if (first == '\\' && at + 1 < pattern.length()) {
            return pattern.charAt(at + 1) == c ? at + 2 : -1;
        }
        return first == '?' || first == c ? at + 1 : -1;
    }
}
