package dev.sallyport.image.tree;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.FileTree.Node;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The layers of an image as its machines will see them under overlayfs: a name is looked for from the top layer down, folders are
 * merged, whiteouts and opaque folders hide what is below, and links are followed within the tree, whose root is its own parent as
 * path_resolution(7) has it. One layer is a tree too. It is used by one thread at a time.
 */
public final class Tree implements Closeable {
    /** As Linux counts: more links on the way to one file are a loop. */
    private static final int MOST_LINKS = 40;

    private static final int MOST_PARTS = 4096;
    /** As Linux has it for one path; links on the way may make it longer, up to some times of it. */
    private static final int LONGEST_PATH = 4 * 4096;
    /** How much is remembered, in bytes, about. */
    private static final long MOST_KNOWN = 48L << 20;

    private static final int ENTRY_COSTS = 200;
    private final List<FileTree> topDown;
    private final Recent<String, Optional<Entry>> known = new Recent<>(MOST_KNOWN);
    private final Recent<String, Map<String, Entry>> listings = new Recent<>(MOST_KNOWN);

    /** One layer's part of an entry. */
    private record Part(FileTree layer, Node node) {}

    /** Something in the tree. */
    public static final class Entry {
        private final String path;
        private final List<Part> parts;

        private Entry(String path, List<Part> parts) {
            this.path = path;
            this.parts = parts;
        }

        /** Its path, after all links on the way were followed. */
        public String path() {
            return path;
        }

        /** What it is, in the uppermost layer that has it. */
        public Node node() {
            return parts.getFirst().node();
        }

        public Kind kind() {
            return node().kind();
        }

        /** Its first bytes. */
        public byte[] read(int atMost) throws IOException {
            return read(0, atMost);
        }

        /** At most {@code atMost} bytes from {@code from}. */
        public byte[] read(long from, int atMost) throws IOException {
            return parts.getFirst().layer().read(node(), from, atMost);
        }

        /** Its first bytes as UTF-8. */
        public String text(int atMost) throws IOException {
            return new String(read(atMost), StandardCharsets.UTF_8);
        }

        /** Where this link points, as it is written. */
        public String target() throws IOException {
            return parts.getFirst().layer().target(node());
        }

        /** The same for all names of one folder: the layer and its number there. */
        Object identity() {
            return parts.getFirst();
        }

        @Override
        public String toString() {
            return path;
        }
    }

    /** Takes what a walk comes upon. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * Something in the tree; folders come before what is in them, and a link is not followed.
         *
         * @return for a folder, whether to walk into it; else it does not matter
         */
        boolean visit(Entry entry) throws IOException;
    }

    /**
     * How far a walk got.
     *
     * @param entries how many entries were visited
     * @param cut whether some were left out because there are too many, or because folders lie too deep
     * @param unread the folders that could not be read, each with the reason; the first hundred
     */
    public record Walk(int entries, boolean cut, List<String> unread) {
        public Walk {
            unread = List.copyOf(unread);
        }

        /** True when nothing was left out but what the visitor wanted left out. */
        public boolean whole() {
            return !cut && unread.isEmpty();
        }
    }

    /** @param layers lowest first; closed with this */
    public Tree(List<FileTree> layers) {
        topDown = List.copyOf(layers).reversed();
    }

    /** What {@code path} is, with every link on the way and at its end followed; empty when it, or a link's target, is not there. */
    public Optional<Entry> find(String path) throws IOException {
        return resolve(path, true);
    }

    /** What {@code path} is, a link at its end not followed. */
    public Optional<Entry> findLink(String path) throws IOException {
        return resolve(path, false);
    }

    /** Names in the folder {@code path} over all layers, sorted; none when it is no folder. */
    public List<String> names(String path) throws IOException {
        Optional<Entry> folder = find(path);
        return folder.isEmpty() || folder.get().kind() != Kind.FOLDER
                ? List.of()
                : List.copyOf(children(folder.get()).keySet());
    }

    /** The entries of a folder by name, sorted; links are not followed. */
    public Map<String, Entry> children(Entry folder) throws IOException {
        Map<String, Entry> listed = listings.get(folder.path());
        if (listed == null) {
            listed = merge(folder);
            listings.put(
                    folder.path(),
                    listed,
                    ENTRY_COSTS
                            + listed.size()
                                    * (ENTRY_COSTS + (long) folder.path().length()));
        }
        return listed;
    }

    /**
     * Walks through all that is below {@code from}, in the order of names, following no links. Nothing is left out silently: what
     * is returned says so.
     *
     * @param from a folder, or a file, which is then the only one; nothing is visited when it is not there
     * @param mostEntries the walk ends when it has visited so many
     */
    public Walk walk(String from, int mostEntries, Visitor visitor) throws IOException {
        Optional<Entry> start = find(from);
        return start.isEmpty()
                ? new Walk(0, false, List.of())
                : new Walker(this, mostEntries, visitor).walk(start.get());
    }

    private static Map<String, Entry> merge(Entry folder) throws IOException {
        var byName = new TreeMap<String, List<Part>>();
        var hidden = new HashSet<String>();
        for (Part part : folder.parts) {
            for (Map.Entry<String, Node> child : part.layer().list(part.node()).entrySet()) {
                String name = child.getKey();
                if (!hidden.contains(name) && !add(part.layer(), child.getValue(), byName, name)) {
                    hidden.add(name);
                }
            }
        }
        var children = new LinkedHashMap<String, Entry>();
        byName.forEach((name, parts) -> children.put(name, entry(below(folder, name), parts)));
        return Collections.unmodifiableMap(children);
    }

    /** False when what lies below is hidden. */
    private static boolean add(FileTree layer, Node node, Map<String, List<Part>> byName, String name)
            throws IOException {
        if (node.whiteout()) {
            return false;
        }
        List<Part> parts = byName.computeIfAbsent(name, ignored -> new ArrayList<>(1));
        if (node.kind() != Kind.FOLDER) {
            if (parts.isEmpty()) {
                parts.add(new Part(layer, node));
            }
            return false;
        }
        parts.add(new Part(layer, node));
        return !layer.opaque(node);
    }

    private static String below(Entry folder, String name) {
        return folder.path().equals("/") ? "/" + name : folder.path() + "/" + name;
    }

    private static Entry entry(String path, List<Part> parts) {
        return new Entry(path, List.copyOf(parts));
    }

    private Optional<Entry> resolve(String path, boolean followLast) throws IOException {
        if (path.length() > LONGEST_PATH) {
            return Optional.empty();
        }
        Deque<String> left = parts(path);
        Deque<String> done = new ArrayDeque<>();
        int links = 0;
        int steps = 0;
        Optional<Entry> at = Optional.of(root());
        while (!left.isEmpty()) {
            if (++steps > MOST_PARTS) {
                return Optional.empty();
            }
            String name = left.pop();
            if (name.equals("..")) {
                done.pollLast();
                at = exact(done);
                continue;
            }
            done.addLast(name);
            at = exact(done);
            if (at.isEmpty()) {
                return at;
            }
            boolean link = at.get().kind() == Kind.LINK;
            if (!link || (left.isEmpty() && !followLast)) {
                if (!link && !left.isEmpty() && at.get().kind() != Kind.FOLDER) {
                    return Optional.empty();
                }
                continue;
            }
            if (++links > MOST_LINKS) {
                return Optional.empty();
            }
            done.pollLast();
            String target = at.get().target();
            if (target.isEmpty() || left.size() > MOST_PARTS) {
                return Optional.empty();
            }
            if (target.startsWith("/")) {
                done.clear();
            }
            Deque<String> more = parts(target);
            while (!more.isEmpty()) {
                left.push(more.pollLast());
            }
            at = exact(done);
        }
        return at;
    }

    private Entry root() throws IOException {
        var parts = new ArrayList<Part>();
        for (FileTree layer : topDown) {
            parts.add(new Part(layer, layer.root()));
        }
        return entry("/", parts);
    }

    /** A path whose folders are folders and not links. */
    private Optional<Entry> exact(Deque<String> names) throws IOException {
        String path = "/" + String.join("/", names);
        Optional<Entry> found = known.get(path);
        if (found != null) {
            return found;
        }
        if (path.length() > LONGEST_PATH) {
            return Optional.empty();
        }
        // The nearest folder that is known, and down from there.
        Deque<String> above = new ArrayDeque<>(names);
        Deque<String> down = new ArrayDeque<>();
        while (found == null) {
            if (above.isEmpty()) {
                found = Optional.of(root());
                remember("/", found);
            } else {
                down.push(above.removeLast());
                found = known.get("/" + String.join("/", above));
            }
        }
        while (!down.isEmpty() && found.isPresent()) {
            String name = down.pop();
            found = child(found.get(), name);
            above.addLast(name);
            remember("/" + String.join("/", above), found);
        }
        return found;
    }

    private void remember(String path, Optional<Entry> found) {
        known.put(path, found, ENTRY_COSTS + 2L * path.length());
    }

    private Optional<Entry> child(Entry folder, String name) throws IOException {
        if (folder.kind() != Kind.FOLDER) {
            return Optional.empty();
        }
        Map<String, Entry> listed = listings.get(folder.path());
        if (listed != null) {
            return Optional.ofNullable(listed.get(name));
        }
        var byName = new HashMap<String, List<Part>>();
        for (Part part : folder.parts) {
            Optional<Node> node = part.layer().lookup(part.node(), name);
            if (node.isPresent() && !add(part.layer(), node.get(), byName, name)) {
                break;
            }
        }
        List<Part> parts = byName.getOrDefault(name, List.of());
        return parts.isEmpty() ? Optional.empty() : Optional.of(entry(below(folder, name), parts));
    }

    private static Deque<String> parts(String path) {
        return new ArrayDeque<>(Arrays.stream(path.split("/", -1))
                .filter(part -> !part.isEmpty() && !part.equals("."))
                .toList());
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (FileTree layer : topDown) {
            try {
                layer.close();
            } catch (IOException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
