package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Reads an erofs file system whose files are not compressed, without mounting it (Linux, fs/erofs/erofs_fs.h). Its content is not
 * trusted: every offset and size is checked against the file's and against bounds of its own.
 */
public final class ErofsTree implements FileTree {
    private static final int SUPERBLOCK = 1024;
    private static final int MAGIC = 0xE0F5E1E2;
    private static final int SLOT = 32;
    private static final int DIRENT = 12;
    private static final int MAX_LINK = 4096;
    private static final int PLAIN = 0;
    private static final int INLINE = 2;
    private static final int CHUNKS = 4;
    private static final long HOLE = 0xffffffffL;

    private static final int ATTRIBUTES_HEAD = 12;
    private static final int SHARED_UNIT = 4;
    /** The prefixes' numbers. */
    private static final int USER = 1;

    private static final int TRUSTED = 4;
    private static final byte[] OPAQUE = "overlay.opaque".getBytes(StandardCharsets.US_ASCII);
    /** LZ4 with padding before its data, and any other way to compress: set when a file may be compressed. */
    private static final int COMPRESSION = 0x1 | 0x2 | 0x8 | 0x10 | 0x20;

    private static final int DEVICES = 0x8;

    private final ByteSource source;
    private final int blockSize;
    private final long metaStart;
    private final long attributesStart;
    private final int rootNid;
    /** What readers must know, from EROFS_FEATURE_INCOMPAT_ZERO_PADDING to _XATTR_PREFIXES (Linux, fs/erofs/erofs_fs.h). */
    private static final int KNOWN_FEATURES = 0x7f;

    private final int incompatible;
    private final UUID uuid;
    private final FolderNames folders = new FolderNames();
    private final Recent<Long, Inode> inodes = new Recent<>(16_384);

    /** How an inode's content and attributes are laid out. */
    private record Inode(Node node, int layout, long block, long attributes, long tail) {}

    private ErofsTree(ByteSource source) throws IOException {
        this.source = source;
        ByteBuffer superblock = source.littleEndian(SUPERBLOCK, 128);
        if (superblock.getInt(0) != MAGIC) {
            throw new IOException("not an erofs file system");
        }
        int bits = Byte.toUnsignedInt(superblock.get(12));
        if (bits < 9 || bits > 16) {
            throw new IOException("a block size of 2^" + bits + " bytes is not possible");
        }
        blockSize = 1 << bits;
        rootNid = Short.toUnsignedInt(superblock.getShort(14));
        metaStart = Integer.toUnsignedLong(superblock.getInt(40)) * blockSize;
        attributesStart = Integer.toUnsignedLong(superblock.getInt(44)) * blockSize;
        incompatible = superblock.getInt(80);
        if ((incompatible & ~KNOWN_FEATURES) != 0) {
            throw new IOException(
                    String.format("it asks for features that no reader has (0x%x)", incompatible & ~KNOWN_FEATURES));
        }
        uuid = new UUID(superblock.order(ByteOrder.BIG_ENDIAN).getLong(48), superblock.getLong(56));
    }

    /**
     * Opens the file system in {@code path}.
     *
     * @throws IOException when it cannot be read, or is none
     */
    public static ErofsTree open(Path path) throws IOException {
        ByteSource source = ByteSource.file(path);
        try {
            return open(source);
        } catch (IOException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    /** Opens the file system in {@code source}, which it closes at its own end; when this fails, the source stays open. */
    public static ErofsTree open(ByteSource source) throws IOException {
        return new ErofsTree(source);
    }

    /** True when {@code source} begins like one. */
    static boolean recognises(ByteSource source) throws IOException {
        return source.size() >= SUPERBLOCK + 128
                && source.littleEndian(SUPERBLOCK, 4).getInt(0) == MAGIC;
    }

    /** True when it says that its files may be compressed, or lie elsewhere; such files cannot be read here. */
    public boolean compressed() {
        return (incompatible & COMPRESSION) != 0;
    }

    /** The UUID in its superblock. */
    public UUID uuid() {
        return uuid;
    }

    @Override
    public Node root() throws IOException {
        return inode(rootNid).node();
    }

    @Override
    public Map<String, Node> list(Node folder) throws IOException {
        Map<String, Node> entries = new LinkedHashMap<>();
        for (Map.Entry<String, Long> entry : names(folder).entrySet()) {
            entries.put(entry.getKey(), inode(entry.getValue()).node());
        }
        return entries;
    }

    @Override
    public Optional<Node> lookup(Node folder, String name) throws IOException {
        Long number = names(folder).get(name);
        return number == null ? Optional.empty() : Optional.of(inode(number).node());
    }

    private Map<String, Long> names(Node folder) throws IOException {
        if (folder.kind() != Kind.FOLDER || folder.size() > MAX_FOLDER_BYTES) {
            throw new IOException("not a folder that can be listed");
        }
        return folders.of(folder.number(), table -> {
            byte[] content = read(folder, 0, (int) folder.size());
            for (int start = 0; start < content.length; start += blockSize) {
                addEntries(content, start, Math.min(start + blockSize, content.length), table);
            }
        });
    }

    private Inode inode(long nid) throws IOException {
        Inode known = inodes.get(nid);
        if (known == null) {
            known = readInode(nid);
            inodes.put(nid, known, 1);
        }
        return known;
    }

    private Inode readInode(long nid) throws IOException {
        if (nid < 0 || nid > source.size() / SLOT) {
            throw new IOException("inode " + nid + " does not exist");
        }
        long at = metaStart + nid * SLOT;
        ByteBuffer head = source.littleEndian(at, SLOT);
        int format = Short.toUnsignedInt(head.getShort(0));
        boolean extended = (format & 1) != 0;
        int layout = (format >> 1) & 7;
        int attributes = Short.toUnsignedInt(head.getShort(2));
        int mode = Short.toUnsignedInt(head.getShort(4));
        long bytes;
        long uid;
        long gid;
        if (extended) {
            ByteBuffer whole = source.littleEndian(at, 2 * SLOT);
            bytes = whole.getLong(8);
            uid = Integer.toUnsignedLong(whole.getInt(24));
            gid = Integer.toUnsignedLong(whole.getInt(28));
        } else {
            bytes = Integer.toUnsignedLong(head.getInt(8));
            uid = Short.toUnsignedInt(head.getShort(24));
            gid = Short.toUnsignedInt(head.getShort(26));
        }
        long block = Integer.toUnsignedLong(head.getInt(16));
        long attributesAt = at + (extended ? 2 * SLOT : SLOT);
        long tail = attributesAt + attributeBytes(attributes);
        Kind kind = switch (mode >> 12) {
            case 010 -> Kind.FILE;
            case 004 -> Kind.FOLDER;
            case 012 -> Kind.LINK;
            case 002 -> Kind.CHARACTER_DEVICE;
            default -> Kind.OTHER;
        };
        boolean content = kind != Kind.OTHER && kind != Kind.CHARACTER_DEVICE;
        if (bytes < 0 || (content && (layout == PLAIN || layout == INLINE) && bytes > source.size())) {
            throw new IOException("inode " + nid + " says that it is larger than the file system");
        }
        // Of a device, i_u holds its number.
        long device = kind == Kind.CHARACTER_DEVICE ? block : 0;
        return new Inode(
                new Node(nid, kind, mode & 07777, uid, gid, bytes, device),
                layout,
                block,
                attributes == 0 ? 0 : attributesAt,
                tail);
    }

    @Override
    public byte[] read(Node file, long from, int atMost) throws IOException {
        if (from < 0 || from >= file.size() || atMost <= 0) {
            return new byte[0];
        }
        Inode inode = inode(file.number());
        if (file.kind() == Kind.OTHER || file.kind() == Kind.CHARACTER_DEVICE) {
            throw new IOException("inode " + file.number() + " has no content");
        }
        int wanted = (int) Math.min(file.size() - from, atMost);
        switch (inode.layout()) {
            case PLAIN, INLINE -> {}
            case CHUNKS -> {
                return chunks(inode, from, wanted);
            }
            default ->
                throw new IOException("inode " + file.number()
                        + " is compressed, which is not read here: make the file system without compression");
        }
        byte[] content = new byte[wanted];
        long whole = inode.layout() == INLINE ? file.size() / blockSize * blockSize : file.size();
        int fromBlocks = (int) Math.min(wanted, Math.max(0, whole - from));
        if (fromBlocks > 0) {
            source.read(inode.block() * blockSize + from, ByteBuffer.wrap(content, 0, fromBlocks));
        }
        if (wanted > fromBlocks) {
            source.read(
                    inode.tail() + from + fromBlocks - whole,
                    ByteBuffer.wrap(content, fromBlocks, wanted - fromBlocks));
        }
        return content;
    }

    /** Of a file in chunks, a table behind the inode says where each lies. */
    private byte[] chunks(Inode inode, long from, int wanted) throws IOException {
        if ((incompatible & DEVICES) != 0) {
            throw new IOException("its files lie on other devices, which is not read here");
        }
        int format = (int) inode.block();
        long chunk = (long) blockSize << (format & 0x1f);
        boolean indexes = (format & 0x20) != 0;
        long table = Math.ceilDiv(inode.tail(), 8L) * 8;
        byte[] content = new byte[wanted];
        int done = 0;
        while (done < wanted) {
            long at = from + done;
            long entry = at / chunk;
            long address = indexes
                    ? Integer.toUnsignedLong(
                            source.littleEndian(table + entry * 8, 8).getInt(4))
                    : Integer.toUnsignedLong(
                            source.littleEndian(inode.tail() + entry * 4, 4).getInt(0));
            int count = (int) Math.min(wanted - done, chunk - at % chunk);
            if (address != HOLE) {
                source.read(address * blockSize + at % chunk, ByteBuffer.wrap(content, done, count));
            }
            done += count;
        }
        return content;
    }

    /** Attributes are those of the inode itself, and those that it shares with others. */
    @Override
    public boolean opaque(Node folder) throws IOException {
        Inode inode = inode(folder.number());
        if (inode.attributes() == 0) {
            return false;
        }
        int size = (int) (inode.tail() - inode.attributes());
        ByteBuffer area = source.littleEndian(inode.attributes(), size);
        int at = ATTRIBUTES_HEAD;
        for (int shared = Byte.toUnsignedInt(area.get(4)); shared > 0 && at + 4 <= size; shared--) {
            long place = attributesStart + Integer.toUnsignedLong(area.getInt(at)) * SHARED_UNIT;
            int most = (int) Math.min(4 + OPAQUE.length + 1, Math.max(0, source.size() - place));
            if (opaque(source.littleEndian(place, most), 0)) {
                return true;
            }
            at += 4;
        }
        while (at + 4 <= size) {
            if (opaque(area, at)) {
                return true;
            }
            int bytes = 4 + Byte.toUnsignedInt(area.get(at)) + Short.toUnsignedInt(area.getShort(at + 2));
            at += (bytes + 3) / 4 * 4;
        }
        return false;
    }

    /** An attribute: the name's length, the prefix, the value's length, the name, the value. */
    private static boolean opaque(ByteBuffer area, int at) {
        if (at + 4 + OPAQUE.length + 1 > area.capacity()
                || area.get(at) != OPAQUE.length
                || area.getShort(at + 2) != 1
                || (area.get(at + 1) != TRUSTED && area.get(at + 1) != USER)) {
            return false;
        }
        byte[] name = new byte[OPAQUE.length];
        area.get(at + 4, name);
        return Arrays.equals(name, OPAQUE) && area.get(at + 4 + OPAQUE.length) == 'y';
    }

    private static long attributeBytes(int attributes) {
        return attributes == 0 ? 0 : ATTRIBUTES_HEAD + (attributes - 1) * 4L;
    }

    @Override
    public String target(Node link) throws IOException {
        if (link.kind() != Kind.LINK || link.size() > MAX_LINK) {
            throw new IOException("not a link that can be read");
        }
        return new String(read(link, 0, MAX_LINK), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        source.close();
    }

    private void addEntries(byte[] content, int start, int end, FolderNames.Table table) throws IOException {
        ByteBuffer block = ByteBuffer.wrap(content, start, end - start).slice().order(ByteOrder.LITTLE_ENDIAN);
        int length = block.capacity();
        if (length < DIRENT) {
            throw new IOException("a folder's block is too short");
        }
        int count = Short.toUnsignedInt(block.getShort(8)) / DIRENT;
        if (count < 1 || count * DIRENT > length) {
            throw new IOException("a folder's block is damaged");
        }
        for (int i = 0; i < count; i++) {
            int from = Short.toUnsignedInt(block.getShort(i * DIRENT + 8));
            int to = i + 1 < count ? Short.toUnsignedInt(block.getShort((i + 1) * DIRENT + 8)) : length;
            if (from < count * DIRENT || to < from || to > length) {
                throw new IOException("a folder's names are damaged");
            }
            int stop = from;
            while (stop < to && block.get(stop) != 0) {
                stop++;
            }
            table.add(content, start + from, stop - from, block.getLong(i * DIRENT));
        }
    }
}
