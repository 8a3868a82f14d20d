package dev.sallyport.image.boot;

import dev.sallyport.image.tree.ByteSource;
import dev.sallyport.image.tree.Compression;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a kernel's file is.
 *
 * @param form how it is packed
 * @param architecture as uname(1) names machines: {@code x86_64}, {@code aarch64}
 * @param release as uname -r says it; empty when the file does not tell
 * @param pvh whether it has the entry that hypervisors without firmware use (Xen's note 18, PHYS32_ENTRY)
 */
public record KernelFile(Form form, String architecture, Optional<String> release, boolean pvh) {
    /** How a kernel is packed. */
    public enum Form {
        /** As the linker made it. */
        ELF,
        /** For boot loaders of x86 (Linux, Documentation/arch/x86/boot.rst). */
        BZIMAGE,
        /** For boot loaders of arm64 (Linux, Documentation/arch/arm64/booting.rst). */
        ARM64_IMAGE
    }

    private static final long MOST_SEARCHED = 256L << 20;
    private static final int PIECE = 1 << 20;
    private static final int LONGEST_RELEASE = 128;
    private static final byte[] BANNER = "Linux version ".getBytes(StandardCharsets.US_ASCII);
    private static final int ARM64_MAGIC = 0x644d5241;
    private static final int MOST_SEGMENTS = 64;
    private static final int MOST_NOTES = 1 << 16;
    private static final int NOTE = 4;
    private static final int PHYS32_ENTRY = 18;

    /**
     * Reads what the file says of itself.
     *
     * @throws IOException with one sentence when it is no kernel
     */
    public static KernelFile open(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new IOException(path + " is not a file");
        }
        try (ByteSource source = ByteSource.file(path)) {
            return read(source);
        } catch (IOException e) {
            throw new IOException(path + " is no kernel that can be read: " + e.getMessage(), e);
        }
    }

    private static KernelFile read(ByteSource source) throws IOException {
        byte[] first = source.read(0, (int) Math.min(1024, source.size()));
        ByteBuffer head = ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN);
        if (first.length >= 0x260 && new String(first, 0x202, 4, StandardCharsets.US_ASCII).equals("HdrS")) {
            boolean wide = (head.getShort(0x236) & 1) != 0;
            return new KernelFile(Form.BZIMAGE, wide ? "x86_64" : "i686", bzImageRelease(source, head), false);
        }
        if (first.length >= 64 && head.getInt(0) == 0x464c457f) {
            if (head.get(4) != 2 || head.get(5) != 1) {
                throw new IOException("it is an ELF file, but not one of 64 bits with the lowest byte first");
            }
            String architecture = machine(Short.toUnsignedInt(head.getShort(18)));
            return new KernelFile(Form.ELF, architecture, search(source), pvh(source, head));
        }
        if (first.length >= 64 && head.getInt(56) == ARM64_MAGIC) {
            return new KernelFile(Form.ARM64_IMAGE, "aarch64", search(source), false);
        }
        Optional<Compression> compression = Compression.of(first);
        if (compression.isPresent()) {
            throw new IOException("it is compressed (" + compression.get().word() + "): unpack it first");
        }
        throw new IOException("it is neither an ELF file, nor a bzImage, nor an Image of arm64");
    }

    private static String machine(int number) {
        return switch (number) {
            case 3 -> "i686";
            case 62 -> "x86_64";
            case 183 -> "aarch64";
            case 243 -> "riscv64";
            default -> "machine " + number;
        };
    }

    private static Optional<String> bzImageRelease(ByteSource source, ByteBuffer head) throws IOException {
        int pointer = Short.toUnsignedInt(head.getShort(0x20e));
        long at = pointer + 0x200L;
        if (pointer == 0 || at >= source.size()) {
            return Optional.empty();
        }
        return release(source.read(at, (int) Math.min(LONGEST_RELEASE, source.size() - at)), 0);
    }

    /** The kernel's banner lies somewhere in its data. */
    private static Optional<String> search(ByteSource source) throws IOException {
        int overlap = BANNER.length + LONGEST_RELEASE;
        long end = Math.min(source.size(), MOST_SEARCHED);
        for (long at = 0; at < end; at += PIECE) {
            byte[] piece = source.read(at, (int) Math.min(PIECE + overlap, end - at));
            for (int i = 0; i + BANNER.length < piece.length && i < PIECE; i++) {
                if (piece[i] == BANNER[0] && starts(piece, i)) {
                    Optional<String> found = release(piece, i + BANNER.length);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static boolean starts(byte[] piece, int at) {
        for (int i = 0; i < BANNER.length; i++) {
            if (piece[at + i] != BANNER[i]) {
                return false;
            }
        }
        return true;
    }

    /** Up to the first blank; it begins with a digit, has no other characters than releases have, and ends. */
    private static Optional<String> release(byte[] bytes, int from) {
        int end = from;
        while (end < bytes.length && end - from < LONGEST_RELEASE && bytes[end] > ' ' && bytes[end] < 127) {
            end++;
        }
        if (end == from || end == bytes.length || bytes[from] < '0' || bytes[from] > '9') {
            return Optional.empty();
        }
        return bytes[end] == ' ' || bytes[end] == 0
                ? Optional.of(new String(bytes, from, end - from, StandardCharsets.US_ASCII))
                : Optional.empty();
    }

    private static boolean pvh(ByteSource source, ByteBuffer head) throws IOException {
        long table = head.getLong(0x20);
        int size = Short.toUnsignedInt(head.getShort(0x36));
        int count = Math.min(MOST_SEGMENTS, Short.toUnsignedInt(head.getShort(0x38)));
        for (int i = 0; i < count && size >= 56; i++) {
            ByteBuffer segment = source.littleEndian(table + (long) i * size, 56);
            long bytes = segment.getLong(32);
            if (segment.getInt(0) == NOTE
                    && bytes > 0
                    && bytes <= MOST_NOTES
                    && hasEntry(source.littleEndian(segment.getLong(8), (int) bytes))) {
                return true;
            }
        }
        return false;
    }

    /** Notes: the lengths of name and description, a type, then both, each filled up to four bytes. */
    private static boolean hasEntry(ByteBuffer notes) {
        long at = 0;
        while (at + 16 <= notes.capacity()) {
            long name = Integer.toUnsignedLong(notes.getInt((int) at));
            long description = Integer.toUnsignedLong(notes.getInt((int) at + 4));
            int type = notes.getInt((int) at + 8);
            if (name == 4 && type == PHYS32_ENTRY && notes.getInt((int) at + 12) == 0x006e6558) {
                return true;
            }
            at += 12 + (name + 3 & -4L) + (description + 3 & -4L);
        }
        return false;
    }
}
