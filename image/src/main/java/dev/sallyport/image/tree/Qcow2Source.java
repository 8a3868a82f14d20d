package dev.sallyport.image.tree;

import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;

/**
 * The disk in a qcow2 file (QEMU, docs/interop/qcow2.txt), versions 2 and 3, with clusters as they are and compressed ones. Snapshots
 * are not looked at. What needs another file, or a key, is refused.
 */
final class Qcow2Source implements ByteSource {
    static final int MAGIC = 0x514649fb;
    private static final int HEADER = 104;
    private static final long OFFSET = 0x00fffffffffffe00L;
    private static final long COMPRESSED = 1L << 62;
    private static final long ZERO = 1;
    private static final int DIRTY_OR_CORRUPT = 0x3;
    private static final int EXTERNAL_DATA = 0x4;
    private static final int COMPRESSION_TYPE = 0x8;
    private static final int EXTENDED_L2 = 0x10;
    /** QEMU's own bound of its first table. */
    private static final long MOST_L1_BYTES = 32L << 20;

    private final ByteSource file;
    private final long size;
    private final int clusterBits;
    private final int clusterSize;
    private final long l1;
    private final long l1Entries;
    private final boolean zstd;
    private final Recent<Long, ByteBuffer> tables = new Recent<>(16L << 20);
    private final Recent<Long, byte[]> clusters = new Recent<>(16L << 20);

    private Qcow2Source(ByteSource file) throws IOException {
        this.file = file;
        ByteBuffer header = ByteBuffer.wrap(file.read(0, HEADER + 1 > file.size() ? 72 : HEADER + 1))
                .order(ByteOrder.BIG_ENDIAN);
        if (header.getInt(0) != MAGIC) {
            throw new IOException("not a qcow2 file");
        }
        int version = header.getInt(4);
        if (version != 2 && version != 3) {
            throw new IOException("it is a qcow file of version " + version + "; versions 2 and 3 are taken");
        }
        if (header.getLong(8) != 0) {
            throw new IOException("it is only what changed upon another disk image: make it whole with"
                    + " 'qemu-img convert -O qcow2'");
        }
        if (header.getInt(32) != 0) {
            throw new IOException("it is encrypted, which is not read here");
        }
        clusterBits = header.getInt(20);
        if (clusterBits < 9 || clusterBits > 21) {
            throw new IOException("it is damaged: clusters of 2^" + clusterBits + " bytes are not possible");
        }
        clusterSize = 1 << clusterBits;
        size = header.getLong(24);
        l1Entries = Integer.toUnsignedLong(header.getInt(36));
        l1 = header.getLong(40);
        long perTable = (long) clusterSize * (clusterSize / 8);
        if (size < 0 || l1Entries * 8 > MOST_L1_BYTES || size > l1Entries * perTable) {
            throw new IOException("it is damaged: its tables do not fit its size of " + size + " bytes");
        }
        file.need(l1, l1Entries * 8);
        zstd = version == 3 && features(header);
    }

    /** @param file closed with what is returned; when this fails it stays open */
    static Qcow2Source of(ByteSource file) throws IOException {
        return new Qcow2Source(file);
    }

    /** True when its clusters are compressed with zstd. */
    private static boolean features(ByteBuffer header) throws IOException {
        if (header.capacity() < HEADER) {
            throw new IOException("it is cut short");
        }
        long features = header.getLong(72);
        if ((features & EXTERNAL_DATA) != 0) {
            throw new IOException("its data lies in another file, which is not taken: make it whole with"
                    + " 'qemu-img convert -O qcow2'");
        }
        if ((features & EXTENDED_L2) != 0) {
            throw new IOException("its clusters have parts of their own (extended_l2), which is not read here: convert"
                    + " it with 'qemu-img convert -O qcow2'");
        }
        if ((features & ~(DIRTY_OR_CORRUPT | COMPRESSION_TYPE)) != 0) {
            throw new IOException("it uses features that are not read here (0x" + Long.toHexString(features) + ")");
        }
        if ((features & COMPRESSION_TYPE) == 0) {
            return false;
        }
        int type = header.capacity() > HEADER ? Byte.toUnsignedInt(header.get(HEADER)) : 0;
        if (type > 1) {
            throw new IOException("its clusters are compressed in a way that is not read here (" + type + ")");
        }
        return type == 1;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(long from, ByteBuffer into) throws IOException {
        need(from, into.remaining());
        long at = from;
        while (into.hasRemaining()) {
            int inCluster = (int) (at & (clusterSize - 1));
            int count = Math.min(into.remaining(), clusterSize - inCluster);
            ByteBuffer part = into.slice(into.position(), count);
            long entry = entry(at >>> clusterBits);
            if ((entry & COMPRESSED) != 0) {
                part.put(compressed(entry), inCluster, count);
            } else if ((entry & ZERO) != 0 || (entry & OFFSET) == 0) {
                part.put(new byte[count]);
            } else {
                file.read((entry & OFFSET) + inCluster, part);
            }
            into.position(into.position() + count);
            at += count;
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /** What the tables say of a cluster; 0 for one that is nowhere. */
    private long entry(long cluster) throws IOException {
        int perTable = clusterSize / 8;
        long index = cluster / perTable;
        if (index >= l1Entries) {
            throw new IOException("its tables do not reach as far as its disk");
        }
        ByteBuffer first = table(l1 + (index & -64L) * 8, (int) Math.min(64, l1Entries - (index & -64L)) * 8);
        long second = first.getLong((int) (index & 63) * 8) & OFFSET;
        return second == 0 ? 0 : table(second, clusterSize).getLong((int) (cluster % perTable) * 8);
    }

    private ByteBuffer table(long from, int bytes) throws IOException {
        ByteBuffer known = tables.get(from);
        if (known == null || known.capacity() < bytes) {
            known = ByteBuffer.wrap(file.read(from, bytes)).order(ByteOrder.BIG_ENDIAN);
            tables.put(from, known, bytes);
        }
        return known;
    }

    private byte[] compressed(long entry) throws IOException {
        byte[] known = clusters.get(entry);
        if (known != null) {
            return known;
        }
        int bits = 62 - (clusterBits - 8);
        long offset = entry & ((1L << bits) - 1);
        long sectors = ((entry & ~(3L << 62)) >>> bits) + 1;
        // The last sector may be one that the file does not have in full.
        long length = Math.min(sectors * 512 - (offset & 511), file.size() - offset);
        if (length <= 0 || length > 2L * clusterSize + 512) {
            throw new IOException("a compressed cluster lies outside of the file");
        }
        byte[] cluster = decompress(file.read(offset, (int) length));
        clusters.put(entry, cluster, clusterSize);
        return cluster;
    }

    private byte[] decompress(byte[] bytes) throws IOException {
        var raw = new Inflater(true);
        try (InputStream in = zstd
                ? new ZstdInputStream(new ByteArrayInputStream(bytes))
                : new InflaterInputStream(new ByteArrayInputStream(bytes), raw)) {
            byte[] cluster = in.readNBytes(clusterSize);
            if (cluster.length < clusterSize) {
                throw new IOException("a compressed cluster is cut short");
            }
            return cluster;
        } finally {
            raw.end();
        }
    }
}
