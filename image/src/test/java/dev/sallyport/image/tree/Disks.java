package dev.sallyport.image.tree;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Writes disks as partitioning programs and QEMU would, for tests where those are not there. */
final class Disks {
    private static final int SECTOR = 512;
    private static final int FIRST = 2048;

    private Disks() {}

    /** A disk with a GPT that holds these partitions, each behind the other. */
    static byte[] gpt(byte[]... partitions) {
        int sectors = FIRST;
        for (byte[] partition : partitions) {
            sectors += (partition.length + SECTOR - 1) / SECTOR;
        }
        ByteBuffer disk = ByteBuffer.allocate((sectors + 34) * SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        mbrEntry(disk, 0, 0xEE, 1, sectors + 33);
        int at = FIRST;
        for (int i = 0; i < partitions.length; i++) {
            int entry = 2 * SECTOR + i * 128;
            int count = (partitions[i].length + SECTOR - 1) / SECTOR;
            disk.putLong(entry, 0x477284830fc63dafL + i);
            disk.putLong(entry + 8, 0xe47d47d8693d798eL);
            disk.putLong(entry + 32, at);
            disk.putLong(entry + 40, at + count - 1);
            disk.put(at * SECTOR, partitions[i]);
            at += count;
        }
        disk.put(SECTOR, "EFI PART".getBytes(StandardCharsets.US_ASCII));
        disk.putInt(SECTOR + 8, 0x10000);
        disk.putInt(SECTOR + 12, 92);
        disk.putLong(SECTOR + 24, 1);
        disk.putLong(SECTOR + 72, 2);
        disk.putInt(SECTOR + 80, 128);
        disk.putInt(SECTOR + 84, 128);
        var crc = new CRC32();
        crc.update(disk.array(), 2 * SECTOR, 128 * 128);
        disk.putInt(SECTOR + 88, (int) crc.getValue());
        return disk.array();
    }

    /** A disk with a master boot record: the first partition is a primary one, the others are logical. */
    static byte[] mbr(byte[]... partitions) {
        int sectors = FIRST;
        for (byte[] partition : partitions) {
            sectors += (partition.length + SECTOR - 1) / SECTOR + 1;
        }
        ByteBuffer disk = ByteBuffer.allocate(sectors * SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        int at = FIRST;
        int extended = 0;
        int last = 0;
        for (int i = 0; i < partitions.length; i++) {
            int count = (partitions[i].length + SECTOR - 1) / SECTOR;
            if (i == 0) {
                mbrEntry(disk, 0, 0x83, at, count);
            } else {
                if (i == 1) {
                    extended = at;
                    mbrEntry(disk, 0, 1, 0x05, at, sectors - at);
                } else {
                    mbrEntry(disk, last * SECTOR, 1, 0x05, at - extended, count + 1);
                }
                mbrEntry(disk, at * SECTOR, 0, 0x83, 1, count);
                last = at++;
            }
            disk.put(at * SECTOR, partitions[i]);
            at += count;
        }
        return disk.array();
    }

    private static void mbrEntry(ByteBuffer disk, int number, int type, int start, int count) {
        mbrEntry(disk, 0, number, type, start, count);
    }

    private static void mbrEntry(ByteBuffer disk, int record, int number, int type, int start, int count) {
        int at = record + 446 + number * 16;
        disk.put(at + 4, (byte) type);
        disk.putInt(at + 8, start);
        disk.putInt(at + 12, count);
        disk.putShort(record + 510, (short) 0xAA55);
    }

    /** A qcow2 file of version 3 that holds {@code disk}: every other cluster compressed, those of zeros nowhere. */
    static byte[] qcow2(byte[] disk, int clusterBits) throws IOException {
        int cluster = 1 << clusterBits;
        int perTable = cluster / 8;
        int clusters = (disk.length + cluster - 1) / cluster;
        int tables = (clusters + perTable - 1) / perTable;
        int l1Clusters = (tables * 8 + cluster - 1) / cluster;
        var data = new ByteArrayOutputStream();
        long dataAt = (1L + l1Clusters + tables) * cluster;
        ByteBuffer l2 = ByteBuffer.allocate(tables * cluster);
        for (int i = 0; i < clusters; i++) {
            byte[] bytes = Arrays.copyOfRange(disk, i * cluster, (i + 1) * cluster);
            if (Arrays.equals(bytes, new byte[cluster])) {
                l2.putLong(i * 8, i % 3 == 0 ? 1 : 0);
                continue;
            }
            byte[] deflated = deflate(bytes);
            long at = dataAt + data.size();
            if (i % 2 == 0 && deflated.length < cluster) {
                int bits = 62 - (clusterBits - 8);
                long sectors = (at % 512 + deflated.length - 1) / 512;
                l2.putLong(i * 8, 1L << 62 | sectors << bits | at);
                data.writeBytes(deflated);
            } else {
                data.writeBytes(new byte[(int) (-at & (cluster - 1))]);
                l2.putLong(i * 8, 1L << 63 | (dataAt + data.size()));
                data.writeBytes(bytes);
            }
        }
        ByteBuffer head = ByteBuffer.allocate((1 + l1Clusters) * cluster);
        head.putInt(0, 0x514649fb).putInt(4, 3).putInt(20, clusterBits).putLong(24, disk.length);
        head.putInt(36, tables).putLong(40, cluster).putInt(96, 4).putInt(100, 104);
        for (int i = 0; i < tables; i++) {
            head.putLong(cluster + i * 8, 1L << 63 | (1L + l1Clusters + i) * cluster);
        }
        var file = new ByteArrayOutputStream();
        file.writeBytes(head.array());
        file.writeBytes(l2.array());
        file.writeBytes(data.toByteArray());
        return file.toByteArray();
    }

    private static byte[] deflate(byte[] bytes) {
        var deflater = new Deflater(6, true);
        deflater.setInput(bytes);
        deflater.finish();
        byte[] out = new byte[bytes.length * 2 + 64];
        int length = deflater.deflate(out);
        deflater.end();
        return Arrays.copyOf(out, length);
    }
}
