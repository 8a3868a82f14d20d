package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A folder of this host as a tree. Links are never followed, devices, pipes and sockets never opened, and file systems that are
 * mounted below it are no part of it: their folders are of the kind {@link Kind#OTHER}. It is meant for folders that nobody
 * changes meanwhile.
 */
public final class FolderTree implements FileTree {
    private static final String ATTRIBUTES = "unix:mode,ino,dev,rdev,uid,gid,size";
    private static final int MOST_NODES = 2_000_000;

    private final Path root;
    private final long device;
    private final List<Place> places = new ArrayList<>();
    private final Map<Object, Integer> numbers = new HashMap<>();

    /** Where a node lies: below which other one, under which name. */
    private record Place(int parent, String name) {}

    private FolderTree(Path root) throws IOException {
        this.root = root.toRealPath();
        this.device = ((Number) attributes(this.root).getOrDefault("dev", 0L)).longValue();
        places.add(new Place(-1, ""));
    }

    /**
     * Opens a folder; {@code path} itself may be a link.
     *
     * @throws IOException when it cannot be read, or is none
     */
    public static FolderTree open(Path path) throws IOException {
        var tree = new FolderTree(path);
        if (tree.root().kind() != Kind.FOLDER) {
            throw new IOException("not a folder");
        }
        return tree;
    }

    @Override
    public Node root() throws IOException {
        return node(0, attributes(root));
    }

    @Override
    public Map<String, Node> list(Node folder) throws IOException {
        if (folder.kind() != Kind.FOLDER) {
            throw new IOException("not a folder that can be listed");
        }
        Path path = path(folder);
        sound(path);
        Map<String, Node> entries = new LinkedHashMap<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(path)) {
            for (Path entry : stream) {
                if (entries.size() >= MAX_FOLDER_ENTRIES) {
                    throw new IOException("a folder has more than " + MAX_FOLDER_ENTRIES + " entries");
                }
                String name = entry.getFileName().toString();
                Map<String, Object> attributes = attributes(entry);
                entries.put(name, node(number((int) folder.number(), name, attributes), attributes));
            }
        } catch (AccessDeniedException e) {
            throw denied(path, e);
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return entries;
    }

    @Override
    public Optional<Node> lookup(Node folder, String name) throws IOException {
        if (folder.kind() != Kind.FOLDER) {
            throw new IOException("not a folder that can be listed");
        }
        Path path = path(folder);
        sound(path);
        if (name.isEmpty() || name.equals(".") || name.equals("..") || name.contains("/") || name.indexOf(0) >= 0) {
            return Optional.empty();
        }
        Map<String, Object> attributes;
        try {
            attributes = Files.readAttributes(path.resolve(name), ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (AccessDeniedException e) {
            throw denied(path, e);
        } catch (FileSystemException e) {
            if (name.length() * 3 > MAX_NAME_BYTES) {
                return Optional.empty(); // Too long a name for any file.
            }
            throw e;
        }
        return Optional.of(node(number((int) folder.number(), name, attributes), attributes));
    }

    @Override
    public byte[] read(Node file, long from, int atMost) throws IOException {
        if (file.kind() != Kind.FILE) {
            throw new IOException("it is no file and has no content");
        }
        if (from < 0 || from >= file.size() || atMost <= 0) {
            return new byte[0];
        }
        Path path = path(file);
        soundParent(path);
        ByteBuffer content = ByteBuffer.allocate((int) Math.min(file.size() - from, atMost));
        try (SeekableByteChannel channel =
                Files.newByteChannel(path, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
            channel.position(from);
            int count = 0;
            while (count >= 0 && content.hasRemaining()) {
                count = channel.read(content);
            }
        } catch (AccessDeniedException e) {
            throw denied(path, e);
        } catch (NoSuchFileException e) {
            throw new IOException(path + " was removed while the folder was read", e);
        }
        return java.util.Arrays.copyOf(content.array(), content.position());
    }

    @Override
    public String target(Node link) throws IOException {
        Path path = path(link);
        soundParent(path);
        try {
            return Files.readSymbolicLink(path).toString();
        } catch (NotLinkException e) {
            throw new IOException("not a link", e);
        }
    }

    /** Only {@code user.overlay.opaque}: what is trusted cannot be asked for from here. */
    @Override
    public boolean opaque(Node folder) throws IOException {
        Path path = path(folder);
        sound(path);
        var view = Files.getFileAttributeView(path, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        try {
            if (view == null || !view.list().contains("overlay.opaque")) {
                return false;
            }
            ByteBuffer value = ByteBuffer.allocate(1);
            return view.size("overlay.opaque") == 1 && view.read("overlay.opaque", value) == 1 && value.get(0) == 'y';
        } catch (AccessDeniedException e) {
            throw denied(path, e);
        } catch (FileSystemException e) {
            // A file system without attributes has no opaque folders.
            return false;
        }
    }

    @Override
    public void close() {
        places.clear();
        numbers.clear();
    }

    private Node node(int number, Map<String, Object> attributes) {
        int mode = (int) number(attributes, "mode");
        Kind kind = switch (mode >> 12) {
            case 010 -> Kind.FILE;
            case 004 -> number(attributes, "dev") == device ? Kind.FOLDER : Kind.OTHER;
            case 012 -> Kind.LINK;
            case 002 -> Kind.CHARACTER_DEVICE;
            default -> Kind.OTHER;
        };
        return new Node(
                number,
                kind,
                mode & 07777,
                Integer.toUnsignedLong((int) number(attributes, "uid")),
                Integer.toUnsignedLong((int) number(attributes, "gid")),
                kind == Kind.FILE || kind == Kind.LINK || kind == Kind.FOLDER ? number(attributes, "size") : 0,
                kind == Kind.CHARACTER_DEVICE ? number(attributes, "rdev") : 0);
    }

    private int number(int parent, String name, Map<String, Object> attributes) throws IOException {
        Object key = List.of(number(attributes, "dev"), number(attributes, "ino"));
        Integer known = numbers.get(key);
        if (known != null) {
            return known;
        }
        if (places.size() >= MOST_NODES) {
            throw new IOException("the folder holds more than " + MOST_NODES + " files");
        }
        int number = places.size();
        places.add(new Place(parent, name));
        numbers.put(key, number);
        return number;
    }

    private static long number(Map<String, Object> attributes, String name) {
        return attributes.get(name) instanceof Number number ? number.longValue() : 0;
    }

    private Path path(Node node) throws IOException {
        if (node.number() < 0 || node.number() >= places.size()) {
            throw new IOException("it is of another tree");
        }
        List<String> names = new ArrayList<>();
        for (int at = (int) node.number(); at > 0; at = places.get(at).parent()) {
            names.add(places.get(at).name());
        }
        Path path = root;
        for (String name : names.reversed()) {
            path = path.resolve(name);
        }
        return path;
    }

    private void soundParent(Path path) throws IOException {
        Path parent = path.getParent();
        sound(parent == null ? root : parent);
    }

    /** No folder on the way became a link since it was seen. */
    private static void sound(Path folder) throws IOException {
        if (!folder.toRealPath().equals(folder)) {
            throw new IOException(folder + " was replaced while the folder was read");
        }
    }

    private static Map<String, Object> attributes(Path path) throws IOException {
        try {
            return Files.readAttributes(path, ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
        } catch (AccessDeniedException e) {
            throw denied(path, e);
        } catch (NoSuchFileException e) {
            throw new IOException(path + " was removed while the folder was read", e);
        }
    }

    private static IOException denied(Path path, AccessDeniedException e) {
        String whose = "";
        try {
            Map<String, Object> attributes = Files.readAttributes(path, "unix:mode,uid", LinkOption.NOFOLLOW_LINKS);
            whose = ": it belongs to user " + number(attributes, "uid") + " and has mode "
                    + Long.toOctalString(number(attributes, "mode") & 07777);
        } catch (IOException unknown) {
            e.addSuppressed(unknown);
        }
        return new IOException(
                path + " cannot be read by user '" + System.getProperty("user.name", "?") + "'" + whose, e);
    }
}
