package dev.sallyport.diagnosis;

import java.nio.charset.StandardCharsets;

/**
 * The checksum of cksum(1): POSIX.1-2017, "cksum", a CRC with the polynomial 0x04C11DB7, most significant bit first, over the
 * octets and then over their number, least significant octet first and no more octets of it than it needs.
 */
final class Cksum {
    private static final int POLYNOMIAL = 0x04C11DB7;
    private static final int[] TABLE = table();

    private int crc;
    private long length;

    /** Takes the octets of {@code text}, in UTF-8. */
    void add(String text) {
        for (byte octet : text.getBytes(StandardCharsets.UTF_8)) {
            crc = next(crc, octet);
            length++;
        }
    }

    /** The checksum of what was added so far, from 0 to 2³² − 1. */
    long value() {
        int all = crc;
        for (long left = length; left != 0; left >>>= 8) {
            all = next(all, (int) left);
        }
        return Integer.toUnsignedLong(~all);
    }

    private static int next(int crc, int octet) {
        return crc << 8 ^ TABLE[(crc >>> 24 ^ octet) & 0xff];
    }

    private static int[] table() {
        int[] table = new int[256];
        for (int octet = 0; octet < table.length; octet++) {
            int rest = octet << 24;
            for (int bit = 0; bit < 8; bit++) {
                rest = rest << 1 ^ (rest < 0 ? POLYNOMIAL : 0);
            }
            table[octet] = rest;
        }
        return table;
    }
}
