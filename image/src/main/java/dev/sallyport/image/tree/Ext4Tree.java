package dev.sallyport.image.tree;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Reads an ext2, ext3 or ext4 file system without mounting it (Linux, Documentation/filesystems/ext4). Its content is not trusted:
 * every number is checked against the file's size and against bounds of its own. What only its journal has yet is not seen.
 */
public final class Ext4Tree implements FileTree {
    private static final int ROOT = 2;
    private static final int MAX_LINK = 4096;
    private static final int ENTRY_HEAD = 8;
    private static final String OPAQUE = "overlay.opaque";

    private final ByteSource source;
    private final Ext4Super superblock;
    private final Ext4Blocks blocks;
    private final FolderNames folders = new FolderNames();
    private final Recent<Long, Ext4Inode> inodes = new Recent<>(16_384);

    private Ext4Tree(ByteSource source) throws IOException {
        this.source = source;
        this.superblock = Ext4Super.of(source);
        this.blocks = new Ext4Blocks(source, superblock.blockSize());
        if (root().kind() != Kind.FOLDER) {
            throw new IOException("it is damaged: its root is no folder");
        }
    }

    /**
     * Opens the file system in {@code path}.
     *
     * @throws IOException when it cannot be read, or is none, or uses what is not read here
     */
    public static Ext4Tree open(Path path) throws IOException {
        ByteSource source = ByteSource.file(path);
        try {
            return open(source);
        } catch (IOException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    /** Opens the file system in {@code source}, which it closes at its own end; when this fails, the source stays open. */
    public static Ext4Tree open(ByteSource source) throws IOException {
        return new Ext4Tree(source);
    }

    /** True when {@code source} begins like one. */
    static boolean recognises(ByteSource source) throws IOException {
        return source.size() >= Ext4Super.AT + Ext4Super.BYTES
                && Short.toUnsignedInt(
                                source.littleEndian(Ext4Super.AT + 0x38, 2).getShort(0))
                        == Ext4Super.MAGIC;
    }

    /** The UUID in its superblock. */
    public UUID uuid() {
        return superblock.uuid();
    }

    /** True when it was not unmounted: what its journal holds is missing here. */
    public boolean needsRecovery() {
        return superblock.has(Ext4Super.RECOVER);
    }

    @Override
    public Node root() throws IOException {
        return inode(ROOT).node();
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

    @Override
    public byte[] read(Node file, long from, int atMost) throws IOException {
        if (from < 0 || from >= file.size() || atMost <= 0) {
            return new byte[0];
        }
        int wanted = (int) Math.min(file.size() - from, atMost);
        Ext4Inode inode = readable(file);
        if (inode.has(Ext4Inode.INLINE_DATA)) {
            byte[] all = inline(inode);
            byte[] part = new byte[wanted];
            if (from < all.length) {
                System.arraycopy(all, (int) from, part, 0, (int) Math.min(wanted, all.length - from));
            }
            return part;
        }
        byte[] content = new byte[wanted];
        int done = 0;
        while (done < wanted) {
            long at = from + done;
            Ext4Blocks.Run run = blocks.run(inode, at / superblock.blockSize());
            long into = at % superblock.blockSize();
            // So that the product is no larger than what is wanted.
            long most = Math.min(run.count(), wanted / superblock.blockSize() + 2L) * superblock.blockSize() - into;
            int count = (int) Math.min(wanted - done, most);
            if (!run.hole()) {
                if (run.start() > source.size() / superblock.blockSize()) {
                    throw new IOException("block " + run.start() + " lies outside of the file system");
                }
                source.read(run.start() * superblock.blockSize() + into, ByteBuffer.wrap(content, done, count));
            }
            done += count;
        }
        return content;
    }

    @Override
    public String target(Node link) throws IOException {
        if (link.kind() != Kind.LINK || link.size() > MAX_LINK) {
            throw new IOException("not a link that can be read");
        }
        Ext4Inode inode = readable(link);
        if (link.size() < Ext4Inode.BLOCK_BYTES && !inode.has(Ext4Inode.EXTENTS | Ext4Inode.INLINE_DATA)) {
            byte[] bytes = new byte[(int) link.size()];
            inode.block().get(0, bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }
        return new String(read(link, 0, MAX_LINK), StandardCharsets.UTF_8);
    }

    @Override
    public boolean opaque(Node folder) throws IOException {
        Ext4Inode inode = inode(folder.number());
        for (int prefix : new int[] {Ext4Attributes.TRUSTED, Ext4Attributes.USER}) {
            byte[] value = Ext4Attributes.inBody(inode.body(), prefix, OPAQUE);
            if (value == null && inode.attributeBlock() != 0) {
                value = Ext4Attributes.inBlock(blocks.block(inode.attributeBlock()), prefix, OPAQUE);
            }
            if (value != null && value.length == 1 && value[0] == 'y') {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() throws IOException {
        source.close();
    }

    private Ext4Inode inode(long number) throws IOException {
        Ext4Inode known = inodes.get(number);
        if (known != null) {
            return known;
        }
        if (number < 1 || number > superblock.inodes()) {
            throw new IOException("inode " + number + " does not exist");
        }
        long group = (number - 1) / superblock.inodesPerGroup();
        long index = (number - 1) % superblock.inodesPerGroup();
        int size = superblock.descriptorSize();
        ByteBuffer descriptor = source.littleEndian(superblock.descriptor(group), size);
        long table = Integer.toUnsignedLong(descriptor.getInt(8));
        if (size >= 64) {
            table |= Integer.toUnsignedLong(descriptor.getInt(0x28)) << 32;
        }
        if (table <= 0 || table > source.size() / superblock.blockSize()) {
            throw new IOException("the inodes of block group " + group + " lie outside of the file system");
        }
        ByteBuffer raw = source.littleEndian(
                table * superblock.blockSize() + index * superblock.inodeSize(), superblock.inodeSize());
        Ext4Inode inode = Ext4Inode.of(number, raw, superblock.has(Ext4Super.LARGE_FOLDERS));
        inodes.put(number, inode, 1);
        return inode;
    }

    private Ext4Inode readable(Node node) throws IOException {
        Ext4Inode inode = inode(node.number());
        if (inode.has(Ext4Inode.ENCRYPTED)) {
            throw new IOException("inode " + node.number() + " is encrypted");
        }
        if (inode.has(Ext4Inode.COMPRESSED) && !superblock.has(Ext4Super.WIDE)) {
            throw new IOException("inode " + node.number() + " is compressed");
        }
        if (node.kind() == Kind.OTHER || node.kind() == Kind.CHARACTER_DEVICE) {
            throw new IOException("inode " + node.number() + " has no content");
        }
        return inode;
    }

    /** What lies in the inode itself, and in its attribute {@code system.data}. */
    private static byte[] inline(Ext4Inode inode) throws IOException {
        var all = new ByteArrayOutputStream();
        byte[] first = new byte[Ext4Inode.BLOCK_BYTES];
        inode.block().get(0, first);
        all.writeBytes(first);
        byte @Nullable [] rest = Ext4Attributes.inBody(inode.body(), Ext4Attributes.SYSTEM, "data");
        if (rest != null) {
            all.writeBytes(rest);
        }
        return all.toByteArray();
    }

    private Map<String, Long> names(Node folder) throws IOException {
        if (folder.kind() != Kind.FOLDER || folder.size() > MAX_FOLDER_BYTES) {
            throw new IOException("not a folder that can be listed");
        }
        return folders.of(folder.number(), table -> {
            Ext4Inode inode = readable(folder);
            if (inode.has(Ext4Inode.INLINE_DATA)) {
                // The parent's number comes first, and the entries lie in two areas of their own.
                byte[] all = inline(inode);
                entries(all, 4, Ext4Inode.BLOCK_BYTES, table);
                entries(all, Ext4Inode.BLOCK_BYTES, all.length, table);
                return;
            }
            byte[] all = read(folder, 0, (int) folder.size());
            for (int start = 0; start < all.length; start += superblock.blockSize()) {
                entries(all, start, Math.min(all.length, start + superblock.blockSize()), table);
            }
        });
    }

    /** The entries of one block. Blocks of an index look like ones that hold nothing, so that reading all in turn finds every name. */
    private void entries(byte[] content, int start, int end, FolderNames.Table table) throws IOException {
        ByteBuffer block = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        int at = start;
        while (at < end) {
            if (end - at < ENTRY_HEAD) {
                throw new IOException("a folder's block is damaged");
            }
            int length = recordLength(Short.toUnsignedInt(block.getShort(at + 4)));
            int name = superblock.has(Ext4Super.FILE_TYPE)
                    ? Byte.toUnsignedInt(block.get(at + 6))
                    : Short.toUnsignedInt(block.getShort(at + 6));
            long number = Integer.toUnsignedLong(block.getInt(at));
            if (length < ENTRY_HEAD || length > end - at || (number != 0 && name > length - ENTRY_HEAD)) {
                throw new IOException("a folder's block is damaged");
            }
            if (number != 0) {
                table.add(content, at + ENTRY_HEAD, name, number);
            }
            at += length;
        }
    }

    /** A length of 65536 does not fit, and is written as one that cannot be. */
    private int recordLength(int written) {
        if (superblock.blockSize() < 1 << 16) {
            return written;
        }
        return written == 0xffff || written == 0 ? superblock.blockSize() : (written & 0xfffc) | (written & 3) << 16;
    }
}
