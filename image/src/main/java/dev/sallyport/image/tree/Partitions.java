package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads a disk's table of partitions: GPT (UEFI specification 2.10, chapter 5) or the older one of the master boot record. */
final class Partitions {
    private static final int MOST = 256;
    private static final int SIGNATURE = 0xAA55;
    private static final int FIRST_ENTRY = 446;
    private static final int ENTRY = 16;
    private static final int PROTECTIVE = 0xEE;
    private static final int SECTOR = 512;

    private Partitions() {}

    /**
     * A partition.
     *
     * @param number as Linux numbers it
     * @param start its first byte
     * @param size its bytes
     */
    record Partition(int number, long start, long size) {}

    /** Those of the disk, in the table's order; empty when {@code disk} has no table. */
    static Optional<List<Partition>> of(ByteSource disk) throws IOException {
        for (int sector : new int[] {SECTOR, 8 * SECTOR}) {
            if (disk.size() >= 2L * sector
                    && new String(disk.read(sector, 8), StandardCharsets.ISO_8859_1).equals("EFI PART")) {
                return Optional.of(gpt(disk, sector));
            }
        }
        if (disk.size() < SECTOR) {
            return Optional.empty();
        }
        ByteBuffer record = disk.littleEndian(0, SECTOR);
        if (Short.toUnsignedInt(record.getShort(510)) != SIGNATURE) {
            return Optional.empty();
        }
        return mbr(disk, record);
    }

    private static List<Partition> gpt(ByteSource disk, int sector) throws IOException {
        ByteBuffer header = disk.littleEndian(sector, 92);
        long table = header.getLong(72);
        long count = Integer.toUnsignedLong(header.getInt(80));
        long bytes = Integer.toUnsignedLong(header.getInt(84));
        if (bytes < 128 || bytes > 4096 || count > 4096 || table < 2 || table > disk.size() / sector) {
            throw new IOException("its table of partitions (GPT) is damaged");
        }
        List<Partition> partitions = new ArrayList<>();
        for (int i = 0; i < Math.min(count, MOST); i++) {
            ByteBuffer entry = disk.littleEndian(table * sector + i * bytes, 128);
            if (entry.getLong(0) == 0 && entry.getLong(8) == 0) {
                continue;
            }
            add(partitions, i + 1, entry.getLong(32), entry.getLong(40) - entry.getLong(32) + 1, sector, disk);
        }
        return partitions;
    }

    private static Optional<List<Partition>> mbr(ByteSource disk, ByteBuffer record) throws IOException {
        List<Partition> partitions = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int at = FIRST_ENTRY + i * ENTRY;
            int status = Byte.toUnsignedInt(record.get(at));
            int type = Byte.toUnsignedInt(record.get(at + 4));
            if (status != 0 && status != 0x80) {
                // A boot sector of a file system ends with the same signature, and has code here.
                return Optional.empty();
            }
            if (type == PROTECTIVE) {
                throw new IOException("its table of partitions (GPT) is damaged or cut off");
            }
            long start = Integer.toUnsignedLong(record.getInt(at + 8));
            if (type == 0x05 || type == 0x0f || type == 0x85) {
                logical(disk, start, partitions);
            } else if (type != 0) {
                add(partitions, i + 1, start, Integer.toUnsignedLong(record.getInt(at + 12)), SECTOR, disk);
            }
        }
        return partitions.isEmpty() ? Optional.empty() : Optional.of(partitions);
    }

    /** Each logical partition's record names the next one. */
    private static void logical(ByteSource disk, long extended, List<Partition> partitions) throws IOException {
        long at = extended;
        for (int number = 5; number < 5 + MOST; number++) {
            if (at * SECTOR > disk.size() - SECTOR) {
                return;
            }
            ByteBuffer record = disk.littleEndian(at * SECTOR, SECTOR);
            if (Short.toUnsignedInt(record.getShort(510)) != SIGNATURE) {
                return;
            }
            long start = Integer.toUnsignedLong(record.getInt(FIRST_ENTRY + 8));
            long count = Integer.toUnsignedLong(record.getInt(FIRST_ENTRY + 12));
            if (record.get(FIRST_ENTRY + 4) != 0) {
                add(partitions, number, at + start, count, SECTOR, disk);
            }
            long next = Integer.toUnsignedLong(record.getInt(FIRST_ENTRY + ENTRY + 8));
            if (record.get(FIRST_ENTRY + ENTRY + 4) == 0 || next == 0) {
                return;
            }
            at = extended + next;
        }
    }

    /** One that begins on the disk; one that the disk's end cuts ends there, and its file system will say so. */
    private static void add(
            List<Partition> partitions, int number, long first, long sectors, int sector, ByteSource disk) {
        if (first <= 0 || sectors <= 0 || first >= disk.size() / sector) {
            return;
        }
        long start = first * sector;
        long size = Math.min(sectors, (disk.size() - start) / sector) * sector;
        if (size > 0) {
            partitions.add(new Partition(number, start, size));
        }
    }
}
