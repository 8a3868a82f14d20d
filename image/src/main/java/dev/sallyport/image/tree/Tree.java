package dev.sallyport.image.tree;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.FileTree.Node;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The layers of an image as its machines will see them under overlayfs: a name is looked for from the top layer down, folders are
 * merged, whiteouts and opaque folders hide what is below, and links are followed within the tree. One layer is a tree too.
 */
public final class Tree implements Closeable {
    /** As Linux counts: more links on the way to one file are a loop. */
    private static final int MOST_LINKS = 40;

    private static final int MOST_PARTS = 4096;
    private static final int MOST_KNOWN = 200_000;

    private final List<FileTree> topDown;
    private final Map<String, Optional<Entry>> known = new LinkedHashMap<String, Optional<Tree.Entry>>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Optional<Tree.Entry>> eldest) {
            return size() > MOST_KNOWN;
        }
    };

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

        @Override
        public String toString() {
            return path;
        }
    }

    /** @param layers lowest first; closed with this */
    public Tree(List<FileTree> layers) {
        topDown = List.copyOf(layers).reversed();
    }

    /** What {@code path} is, with every link on the way and at its end followed; empty when it, or a link's target, is not there. */
    public Optional<Entry> find(String path) throws IOException {
        return walk(path, true);
    }

    /** What {@code path} is, a link at its end not followed. */
    public Optional<Entry> findLink(String path) throws IOException {
        return walk(path, false);
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
        var byName = new TreeMap<String, List<Part>>();
        var hidden = new HashMap<String, Boolean>();
        for (Part part : folder.parts) {
            for (Map.Entry<String, Node> child : part.layer().list(part.node()).entrySet()) {
                String name = child.getKey();
                if (hidden.containsKey(name)) {
                    continue;
                }
                Node node = child.getValue();
                if (node.whiteout()) {
                    hidden.put(name, true);
                    continue;
                }
                byName.computeIfAbsent(name, ignored -> new java.util.ArrayList<>())
                        .add(new Part(part.layer(), node));
                if (node.kind() != Kind.FOLDER || part.layer().opaque(node)) {
                    hidden.put(name, true);
                }
            }
        }
        var children = new LinkedHashMap<String, Entry>();
        String prefix = folder.path().equals("/") ? "/" : folder.path() + "/";
        byName.forEach((name, parts) -> children.put(name, entry(prefix + name, parts)));
        return children;
    }

    /** A folder is merged with the folders below it; anything else hides them. */
    private static Entry entry(String path, List<Part> parts) {
        if (parts.getFirst().node().kind() != Kind.FOLDER) {
            return new Entry(path, List.of(parts.getFirst()));
        }
        return new Entry(
                path,
                parts.stream()
                        .takeWhile(part -> part.node().kind() == Kind.FOLDER)
                        .toList());
    }

    private Optional<Entry> walk(String path, boolean followLast) throws IOException {
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
        var parts = new java.util.ArrayList<Part>();
        for (FileTree layer : topDown) {
            parts.add(new Part(layer, layer.root()));
        }
        return entry("/", parts);
    }

    /** A path whose folders are folders and not links. */
    private Optional<Entry> exact(Deque<String> names) throws IOException {
        if (names.isEmpty()) {
            return Optional.of(root());
        }
        String path = "/" + String.join("/", names);
        Optional<Entry> cached = known.get(path);
        if (cached == null) {
            var above = new ArrayDeque<>(names);
            String name = above.removeLast();
            Optional<Entry> folder = exact(above);
            cached = folder.isEmpty() || folder.get().kind() != Kind.FOLDER
                    ? Optional.empty()
                    : child(folder.get(), name);
            known.put(path, cached);
        }
        return cached;
    }

    private Optional<Entry> child(Entry folder, String name) throws IOException {
        return Optional.ofNullable(children(folder).get(name));
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
