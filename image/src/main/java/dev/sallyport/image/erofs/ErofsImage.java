package dev.sallyport.image.erofs;

import java.io.Closeable;
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
public final class ErofsImage implements Closeable {
    private static final int SUPERBLOCK = 1024;
    private static final int MAGIC = 0xE0F5E1E2;
    private static final int SLOT = 32;
    private static final int DIRENT = 12;
    private static final long MAX_FOLDER_BYTES = 16 << 20;
    private static final int PLAIN = 0;
    private static final int INLINE = 2;

    private final FileChannel file;
    private final long size;
    private final int blockSize;
    private final long metaStart;
    private final int rootNid;
    private final UUID uuid;

    /** What kind of thing an inode is. */
    public enum Kind {
        FILE,
        FOLDER,
        LINK,
        OTHER
    }

    /**
     * An inode.
     *
     * @param nid its number in this file system
     * @param kind what it is
     * @param mode permission bits
     * @param uid owner
     * @param size bytes
     */
    public record Inode(long nid, Kind kind, int mode, int uid, long size, int layout, long block, long tail) {
        /** True when somebody may execute it. */
        public boolean executable() {
            return (mode & 0111) != 0;
        }
    }

    private ErofsImage(FileChannel file) throws IOException {
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
    public static ErofsImage open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new ErofsImage(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** The UUID in its superblock. */
    public UUID uuid() {
        return uuid;
    }

    /** Its root folder. */
    public Inode root() throws IOException {
        return inode(rootNid);
    }

    /**
     * The entries of a folder by name, without {@code .} and {@code ..}.
     *
     * @throws IOException when it is damaged
     */
    public Map<String, Long> list(Inode folder) throws IOException {
        if (folder.kind() != Kind.FOLDER || folder.size() > MAX_FOLDER_BYTES) {
            throw new IOException("not a folder that can be listed");
        }
        byte[] content = read(folder, (int) folder.size());
        Map<String, Long> entries = new LinkedHashMap<>();
        for (int start = 0; start < content.length; start += blockSize) {
            addEntries(content, start, Math.min(start + blockSize, content.length), entries);
        }
        return entries;
    }

    /**
     * The inode with number {@code nid}.
     *
     * @throws IOException when there is none such
     */
    public Inode inode(long nid) throws IOException {
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
        int uid;
        if (extended) {
            ByteBuffer whole = read(at, 2 * SLOT);
            bytes = whole.getLong(8);
            uid = whole.getInt(24);
        } else {
            bytes = Integer.toUnsignedLong(head.getInt(8));
            uid = Short.toUnsignedInt(head.getShort(24));
        }
        long block = Integer.toUnsignedLong(head.getInt(16));
        long tail = at + (extended ? 2 * SLOT : SLOT) + (attributes == 0 ? 0 : 12 + (attributes - 1) * 4L);
        Kind kind = switch (mode >> 12) {
            case 010 -> Kind.FILE;
            case 004 -> Kind.FOLDER;
            case 012 -> Kind.LINK;
            default -> Kind.OTHER;
        };
        if (bytes < 0 || (kind != Kind.OTHER && bytes > size)) {
            throw new IOException("inode " + nid + " says that it is larger than the file system");
        }
        return new Inode(nid, kind, mode & 07777, uid, bytes, layout, block, tail);
    }

    /**
     * The first bytes of a file, or the target of a link.
     *
     * @param atMost most bytes to read
     */
    public byte[] read(Inode inode, int atMost) throws IOException {
        int wanted = (int) Math.min(inode.size(), atMost);
        byte[] content = new byte[wanted];
        long whole = inode.layout() == INLINE ? inode.size() / blockSize * blockSize : inode.size();
        int fromBlocks = (int) Math.min(wanted, whole);
        copy(inode.block() * blockSize, content, 0, fromBlocks);
        if (wanted > fromBlocks) {
            copy(inode.tail(), content, fromBlocks, wanted - fromBlocks);
        }
        return content;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    private void addEntries(byte[] content, int start, int end, Map<String, Long> entries) throws IOException {
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
                entries.put(name, block.getLong(i * DIRENT));
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
