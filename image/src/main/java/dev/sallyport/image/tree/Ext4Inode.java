package dev.sallyport.image.tree;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.FileTree.Node;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An inode of ext2, ext3 or ext4 (Linux, Documentation/filesystems/ext4/inodes.rst).
 *
 * @param node what others see of it
 * @param flags its flags
 * @param block its 60 bytes of pointers, extents, or content
 * @param attributeBlock the block of its attributes; 0 for none
 * @param body what of the inode follows the fields that are used: the place of attributes within it
 */
record Ext4Inode(Node node, int flags, ByteBuffer block, long attributeBlock, ByteBuffer body) {
    static final int COMPRESSED = 0x4;
    static final int ENCRYPTED = 0x800;
    static final int EXTENTS = 0x80000;
    static final int INLINE_DATA = 0x10000000;
    /** Bytes of {@link #block}. */
    static final int BLOCK_BYTES = 60;

    private static final int OLD_SIZE = 128;

    /** @param largeFolders whether folders have a size of 64 bits */
    static Ext4Inode of(long number, ByteBuffer raw, boolean largeFolders) throws IOException {
        int mode = Short.toUnsignedInt(raw.getShort(0));
        Kind kind = switch (mode >> 12) {
            case 010 -> Kind.FILE;
            case 004 -> Kind.FOLDER;
            case 012 -> Kind.LINK;
            case 002 -> Kind.CHARACTER_DEVICE;
            default -> Kind.OTHER;
        };
        long size = Integer.toUnsignedLong(raw.getInt(4));
        if (kind == Kind.FILE || (kind == Kind.FOLDER && largeFolders)) {
            size |= Integer.toUnsignedLong(raw.getInt(0x6c)) << 32;
        }
        if (size < 0) {
            throw new IOException("inode " + number + " has a size that is not possible");
        }
        long uid = Short.toUnsignedLong(raw.getShort(2)) | Short.toUnsignedLong(raw.getShort(0x78)) << 16;
        long gid = Short.toUnsignedLong(raw.getShort(0x18)) | Short.toUnsignedLong(raw.getShort(0x7a)) << 16;
        ByteBuffer block = raw.slice(0x28, BLOCK_BYTES).order(raw.order());
        long device = 0;
        if (kind == Kind.CHARACTER_DEVICE) {
            // The old form of 16 bits lies in the first word, the new one of 32 bits in the second.
            int old = block.getInt(0);
            device = Integer.toUnsignedLong(old != 0 ? old : block.getInt(4));
        }
        long attributes = Integer.toUnsignedLong(raw.getInt(0x68)) | Short.toUnsignedLong(raw.getShort(0x76)) << 32;
        int used = OLD_SIZE;
        if (raw.capacity() > OLD_SIZE) {
            used = Math.min(raw.capacity(), OLD_SIZE + Short.toUnsignedInt(raw.getShort(0x80)));
        }
        ByteBuffer body = raw.slice(used, raw.capacity() - used).order(raw.order());
        return new Ext4Inode(
                new Node(number, kind, mode & 07777, uid, gid, size, device),
                raw.getInt(0x20),
                block,
                attributes,
                body);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }
}
