package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A tarball as a tree. It is read through once; contents stay where they are and are read when they are wanted. As when it is
 * unpacked, of members with one name the last counts. A member that would leave the folder it is unpacked in, or goes through a
 * link, makes the whole tarball one that is not taken.
 */
public final class TarTree implements FileTree {
    /** Most members, together with the folders that only their names tell of. */
    public static final int MOST_ENTRIES = 1_000_000;

    private static final long MOST_NAMES = 128L << 20;

    private final ByteSource source;
    private final int mostEntries;
    private final List<Item> items = new ArrayList<>();
    private long names;

    /** A file, folder or something else; the names of a folder lie in {@link #children}. */
    private record Item(
            Node node,
            String target,
            long start,
            @Nullable Pieces map,
            boolean opaque,
            Map<String, Integer> children) {}

    private TarTree(ByteSource source, int mostEntries) throws IOException {
        this.source = source;
        this.mostEntries = mostEntries;
        add(Kind.FOLDER, 0755, 0, 0, 0, 0, "", 0, null, false);
        var headers = new TarHeaders(source);
        for (TarHeaders.Member member = headers.next(); member != null; member = headers.next()) {
            take(member);
        }
    }

    /**
     * Reads a tarball that is not compressed.
     *
     * @param source which it closes at its own end; when this fails, the source stays open
     * @throws IOException when it is damaged, or holds what is not taken
     */
    public static TarTree open(ByteSource source) throws IOException {
        return new TarTree(source, MOST_ENTRIES);
    }

    static TarTree open(ByteSource source, int mostEntries) throws IOException {
        return new TarTree(source, mostEntries);
    }

    /**
     * Reads a compressed tarball, which is unpacked once into a file of its own that has no name and is gone when this is closed.
     *
     * @param source stays open, and is not needed any more
     * @param temporary the folder for that file
     */
    public static TarTree open(ByteSource source, Compression compression, Path temporary) throws IOException {
        return open(source, compression, temporary, Unpacked.MOST);
    }

    static TarTree open(ByteSource source, Compression compression, Path temporary, long most) throws IOException {
        ByteSource unpacked = Unpacked.of(source, compression, temporary, most);
        try {
            return open(unpacked);
        } catch (IOException | RuntimeException e) {
            unpacked.close();
            throw e;
        }
    }

    /** True when {@code source} begins with a header. */
    static boolean recognises(ByteSource source) throws IOException {
        return source.size() >= TarHeaders.BLOCK && TarHeaders.sound(source.read(0, TarHeaders.BLOCK));
    }

    @Override
    public Node root() {
        return items.getFirst().node();
    }

    @Override
    public Map<String, Node> list(Node folder) throws IOException {
        Map<String, Node> entries = new LinkedHashMap<>();
        folder(folder)
                .children()
                .forEach((name, number) -> entries.put(name, items.get(number).node()));
        return entries;
    }

    @Override
    public Optional<Node> lookup(Node folder, String name) throws IOException {
        Integer number = folder(folder).children().get(name);
        return number == null ? Optional.empty() : Optional.of(items.get(number).node());
    }

    @Override
    public byte[] read(Node file, long from, int atMost) throws IOException {
        if (from < 0 || from >= file.size() || atMost <= 0) {
            return new byte[0];
        }
        Item item = item(file);
        if (item.node().kind() != Kind.FILE) {
            throw new IOException("it is no file and has no content");
        }
        byte[] content = new byte[(int) Math.min(file.size() - from, atMost)];
        @Nullable Pieces map = item.map();
        if (map == null) {
            source.read(item.start() + from, ByteBuffer.wrap(content));
            return content;
        }
        long stored = item.start();
        for (int i = 0; i < map.count(); i++) {
            long first = Math.max(from, map.offset(i));
            long end = Math.min(from + content.length, map.offset(i) + map.length(i));
            if (first < end) {
                source.read(stored + first - map.offset(i), ByteBuffer.wrap(content, (int) (first - from), (int)
                        (end - first)));
            }
            stored += map.length(i);
        }
        return content;
    }

    @Override
    public String target(Node link) throws IOException {
        if (link.kind() != Kind.LINK) {
            throw new IOException("not a link");
        }
        return item(link).target();
    }

    @Override
    public boolean opaque(Node folder) throws IOException {
        return item(folder).opaque();
    }

    @Override
    public void close() throws IOException {
        source.close();
    }

    private Item item(Node node) throws IOException {
        if (node.number() < 0 || node.number() >= items.size()) {
            throw new IOException("it is of another tree");
        }
        return items.get((int) node.number());
    }

    private Item folder(Node node) throws IOException {
        Item item = item(node);
        if (item.node().kind() != Kind.FOLDER) {
            throw new IOException("not a folder that can be listed");
        }
        return item;
    }

    private void take(TarHeaders.Member member) throws IOException {
        if (member.type() == 'V' || member.type() == 'M' || member.type() == 'N' || member.type() == 'D') {
            throw new IOException("the tarball is one of several volumes or an increment, which is not taken");
        }
        List<String> path = path(member.name());
        if (path.isEmpty()) {
            if (kind(member) == Kind.FOLDER) {
                replaceRoot(member);
            }
            return;
        }
        Item parent = parent(path, member.name());
        String name = path.getLast();
        Integer before = parent.children().get(name);
        if (before == null) {
            names(name);
        }
        if (member.type() == '1') {
            parent.children().put(name, hardLink(member));
            return;
        }
        Kind kind = kind(member);
        int number = add(
                kind,
                member.mode(),
                member.uid(),
                member.gid(),
                kind == Kind.LINK ? member.link().length() : kind == Kind.FILE ? member.size() : 0,
                member.device(),
                kind == Kind.LINK ? member.link() : "",
                member.start(),
                member.map(),
                member.opaque());
        if (kind == Kind.FOLDER && before != null) {
            items.get(number).children().putAll(items.get(before).children());
        }
        parent.children().put(name, number);
    }

    private void replaceRoot(TarHeaders.Member member) {
        Item root = items.getFirst();
        items.set(
                0,
                new Item(
                        new Node(0, Kind.FOLDER, member.mode(), member.uid(), member.gid(), 0, 0),
                        "",
                        0,
                        null,
                        member.opaque(),
                        root.children()));
    }

    private int hardLink(TarHeaders.Member member) throws IOException {
        Item at = items.getFirst();
        int number = 0;
        for (String name : path(member.link())) {
            Integer next = at.children().get(name);
            if (next == null) {
                throw new IOException("the tarball's '" + TarHeaders.shown(member.name()) + "' is a link to '"
                        + TarHeaders.shown(member.link()) + "', which does not come before it");
            }
            number = next;
            at = items.get(next);
        }
        if (at.node().kind() == Kind.FOLDER) {
            throw new IOException("the tarball's '" + TarHeaders.shown(member.name()) + "' is a hard link to a folder");
        }
        return number;
    }

    /** The folder that a member lies in; folders that the tarball left out are root's. */
    private Item parent(List<String> path, String whole) throws IOException {
        Item at = items.getFirst();
        for (String name : path.subList(0, path.size() - 1)) {
            Integer next = at.children().get(name);
            if (next == null) {
                names(name);
                next = add(Kind.FOLDER, 0755, 0, 0, 0, 0, "", 0, null, false);
                at.children().put(name, next);
            }
            at = items.get(next);
            if (at.node().kind() != Kind.FOLDER) {
                throw new IOException("the tarball's '" + TarHeaders.shown(whole) + "' goes through '"
                        + TarHeaders.shown(name) + "', which is no folder in it");
            }
        }
        return at;
    }

    private void names(String name) throws IOException {
        names += name.length();
        if (names > MOST_NAMES) {
            throw new IOException("the names in the tarball are longer than " + (MOST_NAMES >> 20) + " MiB together");
        }
    }

    private int add(
            Kind kind,
            int mode,
            long uid,
            long gid,
            long size,
            long device,
            String target,
            long start,
            @Nullable Pieces map,
            boolean opaque)
            throws IOException {
        int number = items.size();
        if (number > mostEntries) {
            throw new IOException("the tarball holds more than " + mostEntries + " entries");
        }
        Map<String, Integer> children = kind == Kind.FOLDER ? new LinkedHashMap<>() : Collections.emptyMap();
        items.add(new Item(new Node(number, kind, mode, uid, gid, size, device), target, start, map, opaque, children));
        return number;
    }

    private static Kind kind(TarHeaders.Member member) {
        return switch (member.type()) {
            // Old archives mark a folder by its name alone.
            case '0', 0 -> member.name().endsWith("/") ? Kind.FOLDER : Kind.FILE;
            case '7', 'S' -> Kind.FILE;
            case '2' -> Kind.LINK;
            case '3' -> Kind.CHARACTER_DEVICE;
            case '5' -> Kind.FOLDER;
            default -> Kind.OTHER;
        };
    }

    /** The parts of a member's name; a leading {@code /} or {@code ./} does not count. */
    private static List<String> path(String name) throws IOException {
        if (name.indexOf('\0') >= 0) {
            throw new IOException("the tarball holds a name with a zero byte");
        }
        List<String> parts = new ArrayList<>();
        for (String part : name.split("/", -1)) {
            if (part.equals("..")) {
                throw new IOException("the tarball's '" + TarHeaders.shown(name) + "' leads out of its folder");
            }
            if (part.length() > MAX_NAME_BYTES) {
                throw new IOException("the tarball holds a name of " + part.length() + " characters");
            }
            if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return parts;
    }
}
