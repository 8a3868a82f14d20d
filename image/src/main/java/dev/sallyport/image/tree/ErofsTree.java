package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
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

    private final FileChannel file;
    private final long size;
    private final int blockSize;
    private final long metaStart;
    private final int rootNid;
    private final UUID uuid;

    /** How an inode's content is laid out. */
    private record Inode(Node node, int layout, long block, long tail) {}

    private ErofsTree(FileChannel file) throws IOException {
        this.file = file;
        this.size = file.size();
        ByteBuffer superblock = read(SUPERBLOCK, 128);
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
        uuid = new UUID(superblock.order(ByteOrder.BIG_ENDIAN).getLong(48), superblock.getLong(56));
    }

    /**
     * Opens the file system in {@code path}.
     *
     * @throws IOException when it cannot be read, or is none
     */
    public static ErofsTree open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new ErofsTree(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
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
        if (folder.kind() != Kind.FOLDER || folder.size() > MAX_FOLDER_BYTES) {
            throw new IOException("not a folder that can be listed");
        }
        byte[] content = read(folder, 0, (int) folder.size());
        Map<String, Node> entries = new LinkedHashMap<>();
        for (int start = 0; start < content.length; start += blockSize) {
            addEntries(content, start, Math.min(start + blockSize, content.length), entries);
        }
        return entries;
    }

    private Inode inode(long nid) throws IOException {
        long at = metaStart + nid * SLOT;
        ByteBuffer head = read(at, SLOT);
        int format = Short.toUnsignedInt(head.getShort(0));
        boolean extended = (format & 1) != 0;
        int layout = (format >> 1) & 7;
        if (layout != PLAIN && layout != INLINE) {
            throw new IOException("inode " + nid + " has a layout that is not read here (" + layout + ")");
        }
        int attributes = Short.toUnsignedInt(head.getShort(2));
        int mode = Short.toUnsignedInt(head.getShort(4));
        long bytes;
        long uid;
        long gid;
        if (extended) {
            ByteBuffer whole = read(at, 2 * SLOT);
            bytes = whole.getLong(8);
            uid = Integer.toUnsignedLong(whole.getInt(24));
            gid = Integer.toUnsignedLong(whole.getInt(28));
        } else {
            bytes = Integer.toUnsignedLong(head.getInt(8));
            uid = Short.toUnsignedInt(head.getShort(24));
            gid = Short.toUnsignedInt(head.getShort(26));
        }
        long block = Integer.toUnsignedLong(head.getInt(16));
        long tail = at + (extended ? 2 * SLOT : SLOT) + (attributes == 0 ? 0 : 12 + (attributes - 1) * 4L);
        Kind kind = switch (mode >> 12) {
            case 010 -> Kind.FILE;
            case 004 -> Kind.FOLDER;
            case 012 -> Kind.LINK;
            case 002 -> Kind.CHARACTER_DEVICE;
            default -> Kind.OTHER;
        };
        boolean content = kind != Kind.OTHER && kind != Kind.CHARACTER_DEVICE;
        if (bytes < 0 || (content && bytes > size)) {
            throw new IOException("inode " + nid + " says that it is larger than the file system");
        }
        // Of a device, i_u holds its number.
        long device = kind == Kind.CHARACTER_DEVICE ? block : 0;
        return new Inode(new Node(nid, kind, mode & 07777, uid, gid, bytes, device), layout, block, tail);
    }

    @Override
    public byte[] read(Node file, long from, int atMost) throws IOException {
        if (from < 0 || from >= file.size()) {
            return new byte[0];
        }
        Inode inode = inode(file.number());
        int wanted = (int) Math.min(file.size() - from, atMost);
        byte[] content = new byte[wanted];
        long whole = inode.layout() == INLINE ? file.size() / blockSize * blockSize : file.size();
        int fromBlocks = (int) Math.min(wanted, Math.max(0, whole - from));
        copy(inode.block() * blockSize + from, content, 0, fromBlocks);
        if (wanted > fromBlocks) {
            copy(inode.tail() + from + fromBlocks - whole, content, fromBlocks, wanted - fromBlocks);
        }
        return content;
    }

    @Override
    public String target(Node link) throws IOException {
        return new String(read(link, 0, MAX_LINK), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    private void addEntries(byte[] content, int start, int end, Map<String, Node> entries) throws IOException {
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
            String name = new String(content, start + from, stop - from, StandardCharsets.UTF_8);
            if (!name.equals(".") && !name.equals("..")) {
                entries.put(name, inode(block.getLong(i * DIRENT)).node());
            }
        }
    }

    private void copy(long from, byte[] into, int at, int count) throws IOException {
        if (count > 0) {
            read(from, count).get(into, at, count);
        }
    }

    private ByteBuffer read(long from, int count) throws IOException {
        if (from < 0 || from + count > size) {
            throw new IOException("it is cut short: byte " + from + " is wanted and there are " + size);
        }
        ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, from + buffer.position()) < 0) {
                throw new IOException("it was cut short while it was read");
            }
        }
        return buffer.flip();
    }
}
