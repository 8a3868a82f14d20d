package dev.sallyport.image.verify;

import dev.sallyport.image.erofs.ErofsImage;
import dev.sallyport.image.erofs.ErofsImage.Inode;
import dev.sallyport.image.erofs.ErofsImage.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** The layers of an image as its machines will see them: a path is looked for from the top layer down, and links are followed. */
final class MergedTree {
    private static final int MOST_LINKS = 40;
    private static final int MAX_LINK = 4096;

    private final List<ErofsImage> topDown;
    private final Map<String, Optional<Entry>> known = new HashMap<>();

    /**
     * Something in the tree.
     *
     * @param layer the layer that it is read from
     * @param inode what it is
     * @param path its path, after all links were followed
     */
    record Entry(ErofsImage layer, Inode inode, String path) {
        byte[] read(int atMost) throws IOException {
            return layer.read(inode, atMost);
        }

        String text(int atMost) throws IOException {
            return new String(read(atMost), StandardCharsets.UTF_8);
        }
    }

    /** @param layers lowest first */
    MergedTree(List<ErofsImage> layers) {
        topDown = layers.reversed();
    }

    /** What {@code path} is, with every link on the way and at its end followed; empty when it, or a link's target, is not there. */
    Optional<Entry> find(String path) throws IOException {
        return walk(path, true);
    }

    /** What {@code path} is, a link at its end not followed. */
    Optional<Entry> findLink(String path) throws IOException {
        return walk(path, false);
    }

    /** Names in the folder {@code path} over all layers, sorted; none when it is no folder. */
    List<String> names(String path) throws IOException {
        Optional<Entry> folder = find(path);
        if (folder.isEmpty() || folder.get().inode().kind() != Kind.FOLDER) {
            return List.of();
        }
        var names = new TreeSet<String>();
        for (ErofsImage layer : topDown) {
            Optional<Entry> here = in(layer, folder.get().path());
            if (here.isPresent() && here.get().inode().kind() == Kind.FOLDER) {
                names.addAll(layer.list(here.get().inode()).keySet());
            }
        }
        return List.copyOf(names);
    }

    private Optional<Entry> walk(String path, boolean followLast) throws IOException {
        Deque<String> left = parts(path);
        Deque<String> done = new ArrayDeque<>();
        int links = 0;
        Optional<Entry> at = exact("/");
        while (!left.isEmpty()) {
            String name = left.pop();
            if (name.equals("..")) {
                done.pollLast();
                at = exact("/" + String.join("/", done));
                continue;
            }
            String here = "/" + String.join("/", done) + (done.isEmpty() ? "" : "/") + name;
            at = exact(here);
            if (at.isEmpty()) {
                return at;
            }
            boolean link = at.get().inode().kind() == Kind.LINK;
            if (!link || (left.isEmpty() && !followLast)) {
                done.addLast(name);
                continue;
            }
            if (++links > MOST_LINKS) {
                return Optional.empty();
            }
            String target = at.get().text(MAX_LINK);
            if (target.startsWith("/")) {
                done.clear();
            }
            Deque<String> more = parts(target);
            while (!more.isEmpty()) {
                left.push(more.pollLast());
            }
            at = exact("/" + String.join("/", done));
        }
        return at;
    }

    private Optional<Entry> exact(String path) throws IOException {
        Optional<Entry> cached = known.get(path);
        if (cached == null) {
            cached = Optional.empty();
            for (ErofsImage layer : topDown) {
                cached = in(layer, path);
                if (cached.isPresent()) {
                    break;
                }
            }
            known.put(path, cached);
        }
        return cached;
    }

    private static Optional<Entry> in(ErofsImage layer, String path) throws IOException {
        Inode at = layer.root();
        for (String name : parts(path)) {
            if (at.kind() != Kind.FOLDER) {
                return Optional.empty();
            }
            Long nid = layer.list(at).get(name);
            if (nid == null) {
                return Optional.empty();
            }
            at = layer.inode(nid);
        }
        return Optional.of(new Entry(layer, at, path));
    }

    private static Deque<String> parts(String path) {
        return new ArrayDeque<>(Arrays.stream(path.split("/", -1))
                .filter(part -> !part.isEmpty() && !part.equals("."))
                .toList());
    }
}
