package dev.sallyport.acceptance.faults;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Changes a real program by some bytes, so that it fails where the fault is wanted (System V ABI, chapters 4 and 5). */
final class ElfPatch {
    private static final int AARCH64 = 183;

    private ElfPatch() {}

    /** For another architecture: {@code e_machine}. */
    static byte[] otherArchitecture(byte[] program) {
        byte[] patched = program.clone();
        ByteBuffer.wrap(patched).order(ByteOrder.LITTLE_ENDIAN).putShort(18, (short) AARCH64);
        return patched;
    }

    /** With another text of the same length in place of one, wherever it stands: a loader's path, a library's name. */
    static byte[] text(byte[] program, String old, String fresh) {
        byte[] from = old.getBytes(StandardCharsets.US_ASCII);
        byte[] to = fresh.getBytes(StandardCharsets.US_ASCII);
        if (from.length != to.length) {
            throw new IllegalArgumentException("only a text of the same length fits");
        }
        return replace(program, from, to);
    }

    /** In need of another version of symbols: its name, and the hash by which the loader compares. */
    static byte[] symbolVersion(byte[] program, String old, String fresh) {
        return replace(text(program, old, fresh), hash(old), hash(fresh));
    }

    private static byte[] replace(byte[] program, byte[] from, byte[] to) {
        byte[] patched = program.clone();
        int count = 0;
        for (int at = 0; at + from.length <= patched.length; at++) {
            if (Arrays.equals(patched, at, at + from.length, from, 0, from.length)) {
                System.arraycopy(to, 0, patched, at, to.length);
                count++;
            }
        }
        if (count == 0) {
            throw new IllegalArgumentException("the program has nothing to change");
        }
        return patched;
    }

    /** The hash of the ABI's symbol tables, little-endian. */
    private static byte[] hash(String name) {
        int hash = 0;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash << 4) + name.charAt(i);
            int high = hash & 0xf0000000;
            hash = (hash ^ (high >>> 24)) & ~high;
        }
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(hash)
                .array();
    }
}
