package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Says where the blocks of a file lie: by its extents, or by the pointers of ext2 and ext3 (Linux,
 * Documentation/filesystems/ext4/ifork.rst).
 */
final class Ext4Blocks {
    private static final int EXTENT_MAGIC = 0xF30A;
    private static final int MOST_LEVELS = 5;
    /** Of an extent's head, and of each of its entries. */
    private static final int EXTENT_BYTES = 12;
    /** A longer extent is one whose blocks are set aside but were never written. */
    private static final int LONGEST_WRITTEN = 32768;

    private static final int DIRECT = 12;
    private static final long NO_END = Long.MAX_VALUE;

    private final ByteSource source;
    private final int blockSize;
    private final Recent<Long, ByteBuffer> blocks = new Recent<>(4L << 20);

    Ext4Blocks(ByteSource source, int blockSize) {
        this.source = source;
        this.blockSize = blockSize;
    }

    /**
     * Blocks that lie one after the other.
     *
     * @param start the first one's number on the disk; 0 for zeros that are stored nowhere
     * @param count how many, at least one
     */
    record Run(long start, long count) {
        boolean hole() {
            return start == 0;
        }
    }

    /** What the file has from its block {@code logical} on. */
    Run run(Ext4Inode inode, long logical) throws IOException {
        return inode.has(Ext4Inode.EXTENTS) ? extent(inode, logical) : pointer(inode, logical);
    }

    /** A whole block, remembered for a while. */
    ByteBuffer block(long number) throws IOException {
        ByteBuffer known = blocks.get(number);
        if (known == null) {
            if (number <= 0 || number > source.size() / blockSize) {
                throw new IOException("block " + number + " lies outside of the file system");
            }
            known = source.littleEndian(number * blockSize, blockSize);
            blocks.put(number, known, blockSize);
        }
        return known;
    }

    private Run extent(Ext4Inode inode, long logical) throws IOException {
        ByteBuffer table = inode.block();
        long end = NO_END;
        int expected = -1;
        while (true) {
            int count = Short.toUnsignedInt(table.getShort(2));
            int depth = Short.toUnsignedInt(table.getShort(6));
            if (Short.toUnsignedInt(table.getShort(0)) != EXTENT_MAGIC
                    || (count + 1) * EXTENT_BYTES > table.capacity()
                    || depth > MOST_LEVELS
                    || (expected >= 0 && depth != expected)) {
                throw new IOException("the extents of inode " + inode.node().number() + " are damaged");
            }
            int found = last(table, count, logical);
            if (found + 1 < count) {
                end = Math.min(end, start(table, found + 1));
            }
            if (end <= logical) {
                throw new IOException("the extents of inode " + inode.node().number() + " are not in order");
            }
            if (found < 0) {
                return new Run(0, end - logical);
            }
            int at = (found + 1) * EXTENT_BYTES;
            if (depth == 0) {
                return written(table, at, logical, end);
            }
            long below =
                    Integer.toUnsignedLong(table.getInt(at + 4)) | Short.toUnsignedLong(table.getShort(at + 8)) << 32;
            table = block(below);
            expected = depth - 1;
        }
    }

    private static Run written(ByteBuffer table, int at, long logical, long end) throws IOException {
        int length = Short.toUnsignedInt(table.getShort(at + 4));
        boolean written = length <= LONGEST_WRITTEN;
        long into = logical - Integer.toUnsignedLong(table.getInt(at));
        long count = written ? length : length - LONGEST_WRITTEN;
        if (into >= count) {
            return new Run(0, end - logical);
        }
        if (!written) {
            return new Run(0, Math.min(count - into, end - logical));
        }
        long start = Integer.toUnsignedLong(table.getInt(at + 8)) | Short.toUnsignedLong(table.getShort(at + 6)) << 32;
        if (start == 0) {
            throw new IOException("an extent lies where the superblock does");
        }
        return new Run(start + into, Math.min(count - into, end - logical));
    }

    /** The last entry that does not begin behind {@code logical}; -1 when all do. */
    private static int last(ByteBuffer table, int count, long logical) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (start(table, middle) <= logical) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private static long start(ByteBuffer table, int entry) {
        return Integer.toUnsignedLong(table.getInt((entry + 1) * EXTENT_BYTES));
    }

    private Run pointer(Ext4Inode inode, long logical) throws IOException {
        long perBlock = blockSize / 4;
        if (logical < DIRECT) {
            return new Run(number(inode.block(), (int) logical), 1);
        }
        long left = logical - DIRECT;
        long covered = perBlock;
        for (int level = 1; level <= 3; level++) {
            if (left < covered) {
                return indirect(inode.block(), DIRECT + level - 1, left, covered);
            }
            left -= covered;
            covered *= perBlock;
        }
        throw new IOException("inode " + inode.node().number() + " is larger than its pointers reach");
    }

    /** @param covered how many blocks the pointer at {@code index} of {@code table} leads to */
    private Run indirect(ByteBuffer table, int index, long logical, long covered) throws IOException {
        ByteBuffer at = table;
        int slot = index;
        long left = logical;
        long below = covered;
        while (true) {
            long number = number(at, slot);
            if (number == 0) {
                return new Run(0, below - left);
            }
            if (below == 1) {
                return new Run(number, 1);
            }
            at = block(number);
            below /= blockSize / 4;
            slot = (int) (left / below);
            left %= below;
        }
    }

    private static long number(ByteBuffer table, int index) {
        return Integer.toUnsignedLong(table.getInt(index * 4));
    }
}
