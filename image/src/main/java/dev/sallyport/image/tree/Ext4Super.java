package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;

/**
 * What the superblock of ext2, ext3 or ext4 says, as far as reading needs it (Linux, Documentation/filesystems/ext4/super.rst).
 *
 * @param blockSize bytes of a block
 * @param groups how many block groups there are
 * @param firstBlock the first group's first block
 * @param incompatible what a reader must know
 */
record Ext4Super(
        int blockSize,
        long groups,
        long firstBlock,
        long blocksPerGroup,
        long inodes,
        long inodesPerGroup,
        int inodeSize,
        int descriptorSize,
        int compatible,
        int incompatible,
        int readOnlyCompatible,
        long firstMetaGroup,
        int backup1,
        int backup2,
        UUID uuid) {
    static final int AT = 1024;
    static final int BYTES = 1024;
    static final int MAGIC = 0xEF53;

    static final int FILE_TYPE = 0x2;
    static final int RECOVER = 0x4;
    static final int META_GROUPS = 0x10;
    static final int WIDE = 0x80;
    static final int LARGE_FOLDERS = 0x4000;

    private static final int COMPRESSION = 0x1;
    private static final int JOURNAL_DEVICE = 0x8;
    /** File types, recovery, meta groups, extents, 64 bits, mount protection, flexible groups, and attributes in inodes. */
    private static final int READ_1 = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400;
    /** The checksums' seed, large folders, inline data; encryption and case folding, which are a matter of single files. */
    private static final int READ_2 = 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000;

    private static final int SPARSE_SUPER_2 = 0x200;
    private static final int SPARSE_SUPER = 0x1;
    private static final long MOST_GROUPS = 1 << 24;

    static Ext4Super of(ByteSource source) throws IOException {
        ByteBuffer raw = source.littleEndian(AT, BYTES);
        if (Short.toUnsignedInt(raw.getShort(0x38)) != MAGIC) {
            throw new IOException("not an ext2, ext3 or ext4 file system");
        }
        int bits = raw.getInt(0x18);
        if (bits < 0 || bits > 6) {
            throw new IOException(
                    "its superblock is damaged: a block size of 2^(10+" + bits + ") bytes is not possible");
        }
        boolean old = raw.getInt(0x4c) == 0;
        int incompatible = old ? 0 : raw.getInt(0x60);
        known(incompatible);
        int inodeSize = old ? 128 : Short.toUnsignedInt(raw.getShort(0x58));
        int blockSize = 1024 << bits;
        boolean wide = (incompatible & WIDE) != 0;
        int descriptorSize = wide ? Short.toUnsignedInt(raw.getShort(0xfe)) : 32;
        long blocks =
                Integer.toUnsignedLong(raw.getInt(4)) | (wide ? Integer.toUnsignedLong(raw.getInt(0x150)) << 32 : 0);
        long first = Integer.toUnsignedLong(raw.getInt(0x14));
        long perGroup = Integer.toUnsignedLong(raw.getInt(0x20));
        long inodesPerGroup = Integer.toUnsignedLong(raw.getInt(0x28));
        sound(Integer.bitCount(inodeSize) == 1 && inodeSize >= 128 && inodeSize <= blockSize, "an inode's size");
        sound(
                Integer.bitCount(descriptorSize) == 1 && descriptorSize >= (wide ? 64 : 32) && descriptorSize <= 1024,
                "a group descriptor's size");
        sound(perGroup > 0 && perGroup <= 1L << 32 && first <= 1, "the size of its groups");
        sound(inodesPerGroup > 0 && inodesPerGroup <= 8L * blockSize, "the number of its inodes");
        sound(blocks > first, "its size");
        long groups = Math.ceilDiv(blocks - first, perGroup);
        sound(groups > 0 && groups <= MOST_GROUPS, "the number of its groups");
        ByteBuffer big = raw.duplicate().order(ByteOrder.BIG_ENDIAN);
        return new Ext4Super(
                blockSize,
                groups,
                first,
                perGroup,
                Math.min(Integer.toUnsignedLong(raw.getInt(0)), groups * inodesPerGroup),
                inodesPerGroup,
                inodeSize,
                descriptorSize,
                raw.getInt(0x5c),
                incompatible,
                old ? 0 : raw.getInt(0x64),
                Integer.toUnsignedLong(raw.getInt(0x104)),
                raw.getInt(0x24c),
                raw.getInt(0x250),
                new UUID(big.getLong(0x68), big.getLong(0x70)));
    }

    boolean has(int incompatibleFeature) {
        return (incompatible & incompatibleFeature) != 0;
    }

    /** Where the descriptor of a group lies, in bytes. */
    long descriptor(long group) {
        long perBlock = blockSize / descriptorSize;
        long meta = group / perBlock;
        if (!has(META_GROUPS) || meta < firstMetaGroup) {
            return (firstBlock + 1) * blockSize + group * descriptorSize;
        }
        long firstOfMeta = meta * perBlock;
        long block = firstBlock + firstOfMeta * blocksPerGroup + (hasSuper(firstOfMeta) ? 1 : 0);
        if (firstOfMeta == 0 && firstBlock == 0 && blockSize == AT) {
            block++;
        }
        return block * blockSize + group % perBlock * descriptorSize;
    }

    /** True when a group begins with a copy of the superblock. */
    private boolean hasSuper(long group) {
        if (group == 0) {
            return true;
        }
        if ((compatible & SPARSE_SUPER_2) != 0) {
            return group == Integer.toUnsignedLong(backup1) || group == Integer.toUnsignedLong(backup2);
        }
        return group == 1
                || (readOnlyCompatible & SPARSE_SUPER) == 0
                || power(group, 3)
                || power(group, 5)
                || power(group, 7);
    }

    private static boolean power(long number, int of) {
        long power = of;
        while (power < number) {
            power *= of;
        }
        return power == number;
    }

    private static void known(int incompatible) throws IOException {
        if ((incompatible & JOURNAL_DEVICE) != 0) {
            throw new IOException("it is the journal of another file system and holds no files");
        }
        if ((incompatible & COMPRESSION) != 0) {
            throw new IOException("its files are compressed, which is not read here");
        }
        int unknown = incompatible & ~(READ_1 | READ_2);
        if (unknown != 0) {
            throw new IOException("it uses features that are not read here (incompatible features 0x"
                    + Integer.toHexString(unknown) + ")");
        }
    }

    private static void sound(boolean sound, String what) throws IOException {
        if (!sound) {
            throw new IOException("its superblock is damaged: " + what + " is not possible");
        }
    }
}
