package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the headers of a tarball in turn: ustar and pax as POSIX.1-2017 pax(1) has them, and what GNU tar adds (its manual, "Basic
 * Tar Format" and "Storing Sparse Files").
 */
final class TarHeaders {
    static final int BLOCK = 512;
    private static final int CHECKSUM = 148;
    private static final int MAX_NAME = 4096;
    private static final int MAX_EXTENDED = 4 << 20;
    private static final int MOST_PIECES = 200_000;
    private static final int OLD_SPARSE = 386;
    private static final int OLD_SPARSE_PIECES = 4;
    private static final int MORE_SPARSE_PIECES = 21;

    private final ByteSource source;
    private final Map<String, String> global = new HashMap<>();
    private long at;
    private long pieces;

    TarHeaders(ByteSource source) {
        this.source = source;
    }

    /**
     * A member.
     *
     * @param type its type flag
     * @param size its content's bytes, holes included
     * @param map of a sparse file the pieces that are stored, each an offset and a length; null for others
     * @param opaque whether it hides what lies below
     */
    record Member(
            char type,
            String name,
            String link,
            int mode,
            long uid,
            long gid,
            long size,
            long device,
            long start,
            @Nullable Pieces map,
            boolean opaque) {}

    /** True when this block is a header: its checksum is right. */
    static boolean sound(byte[] block) {
        long unsigned = 0;
        long signed = 0;
        for (int i = 0; i < BLOCK; i++) {
            byte value = i >= CHECKSUM && i < CHECKSUM + 8 ? (byte) ' ' : block[i];
            unsigned += Byte.toUnsignedInt(value);
            signed += value;
        }
        try {
            long written = number(block, CHECKSUM, 8);
            return written == unsigned || written == signed;
        } catch (IOException e) {
            return false;
        }
    }

    /** The next member; null at the end. */
    @Nullable
    Member next() throws IOException {
        String longName = null;
        String longLink = null;
        Map<String, String> own = new HashMap<>();
        while (true) {
            if (at + BLOCK > source.size()) {
                throw new IOException("the tarball is cut short: it has no end mark");
            }
            byte[] header = source.read(at, BLOCK);
            if (zero(header)) {
                return null;
            }
            if (!sound(header)) {
                throw new IOException("the tarball is damaged: at byte " + at + " there is no header");
            }
            char type = (char) Byte.toUnsignedInt(header[156]);
            long size = number(header, 124, 12);
            switch (type) {
                case 'L' -> longName = text(extended(size), 0, (int) size);
                case 'K' -> longLink = text(extended(size), 0, (int) size);
                case 'x' -> own.putAll(records(extended(size)));
                case 'g' -> global.putAll(records(extended(size)));
                default -> {
                    return member(header, type, longName, longLink, own);
                }
            }
        }
    }

    private Member member(
            byte[] header, char type, @Nullable String longName, @Nullable String longLink, Map<String, String> own)
            throws IOException {
        String name = first(own.get("GNU.sparse.name"), value(own, "path"), longName);
        if (name == null) {
            boolean posix = new String(header, 257, 6, StandardCharsets.ISO_8859_1).equals("ustar\0");
            String prefix = posix ? text(header, 345, 155) : "";
            name = (prefix.isEmpty() ? "" : prefix + "/") + text(header, 0, 100);
        }
        String link = first(value(own, "linkpath"), longLink, text(header, 157, 100));
        if (name.length() > MAX_NAME || (link != null && link.length() > MAX_NAME)) {
            throw new IOException("the tarball holds a name of more than " + MAX_NAME + " characters");
        }
        long stored = number(own, "size", header, 124, 12);
        if (type != '0' && type != 0 && type != '7' && type != 'S') {
            // Old archives give links the size of what they point at; nothing of it is stored.
            boolean none = type >= '1' && type <= '6';
            stored = none ? 0 : stored;
        }
        long start = at + BLOCK;
        long size = stored;
        @Nullable Pieces map = null;
        if (type == 'S') {
            size = number(header, 483, 12);
            List<Long> numbers = new ArrayList<>();
            start = oldSparse(header, numbers);
            map = pieces(numbers);
        } else if ("1".equals(own.get("GNU.sparse.major"))) {
            size = decimal(own.getOrDefault("GNU.sparse.realsize", ""));
            long[] place = {start};
            map = pieces(sparseInContent(place, stored));
            stored -= place[0] - start;
            start = place[0];
        } else if (own.containsKey("GNU.sparse.map")) {
            size = decimal(own.getOrDefault("GNU.sparse.size", ""));
            List<Long> numbers = new ArrayList<>();
            for (String part : own.getOrDefault("GNU.sparse.map", "").split(",", -1)) {
                numbers.add(decimal(part));
            }
            map = pieces(numbers);
        }
        if (stored < 0 || size < 0) {
            throw new IOException("the tarball is damaged: '" + shown(name) + "' has a size that is not possible");
        }
        source.need(start, stored);
        checkMap(map, size, stored, name);
        at = start + Math.ceilDiv(stored, (long) BLOCK) * BLOCK;
        long device = type == '3' ? number(header, 329, 8) << 8 | number(header, 337, 8) : 0;
        return new Member(
                type,
                name,
                link == null ? "" : link,
                (int) number(header, 100, 8) & 07777,
                number(own, "uid", header, 108, 8),
                number(own, "gid", header, 116, 8),
                size,
                device,
                start,
                map,
                opaque(own));
    }

    private boolean opaque(Map<String, String> own) {
        return "y".equals(value(own, "SCHILY.xattr.trusted.overlay.opaque"))
                || "y".equals(value(own, "SCHILY.xattr.user.overlay.opaque"));
    }

    private void checkMap(@Nullable Pieces map, long size, long stored, String name) throws IOException {
        if (map == null) {
            return;
        }
        long end = 0;
        long sum = 0;
        for (int i = 0; i < map.count(); i++) {
            long length = map.length(i);
            if (map.offset(i) < end || length < 0 || length > stored - sum || map.offset(i) > size - length) {
                throw new IOException("the tarball is damaged: the holes of '" + shown(name) + "' are not possible");
            }
            end = map.offset(i) + length;
            sum += length;
        }
    }

    private long oldSparse(byte[] header, List<Long> numbers) throws IOException {
        addPieces(header, OLD_SPARSE, OLD_SPARSE_PIECES, numbers);
        boolean more = header[482] != 0;
        long next = at + BLOCK;
        while (more) {
            byte[] block = source.read(next, BLOCK);
            next += BLOCK;
            addPieces(block, 0, MORE_SPARSE_PIECES, numbers);
            more = block[504] != 0;
        }
        return next;
    }

    private void addPieces(byte[] block, int from, int count, List<Long> numbers) throws IOException {
        for (int i = 0; i < count; i++) {
            int place = from + i * 24;
            if (block[place] == 0) {
                return;
            }
            piece();
            numbers.add(number(block, place, 12));
            numbers.add(number(block, place + 12, 12));
        }
    }

    /** The map of version 1.0 stands before the content, as lines of decimal numbers, up to the end of a block. */
    private List<Long> sparseInContent(long[] place, long stored) throws IOException {
        long end = place[0] + stored;
        source.need(place[0], stored);
        List<Long> numbers = new ArrayList<>();
        long wanted = 1;
        var line = new StringBuilder();
        while (numbers.size() < wanted) {
            if (place[0] + BLOCK > end) {
                throw new IOException("the tarball is damaged: a map of holes is cut short");
            }
            byte[] block = source.read(place[0], BLOCK);
            place[0] += BLOCK;
            for (int i = 0; i < BLOCK && numbers.size() < wanted; i++) {
                if (block[i] != '\n') {
                    line.append((char) block[i]);
                    if (line.length() > 20) {
                        throw new IOException("the tarball is damaged: a map of holes holds no numbers");
                    }
                    continue;
                }
                long number = decimal(line.toString());
                line.setLength(0);
                if (numbers.isEmpty()) {
                    if (number > MOST_PIECES) {
                        throw tooManyPieces();
                    }
                    wanted = 1 + 2 * number;
                }
                if (numbers.size() % 2 == 0) {
                    piece();
                }
                numbers.add(number);
            }
        }
        return numbers.subList(1, numbers.size());
    }

    private void piece() throws IOException {
        if (++pieces > MOST_PIECES) {
            throw tooManyPieces();
        }
    }

    private static IOException tooManyPieces() {
        return new IOException("the tarball's sparse files have more than " + MOST_PIECES + " pieces");
    }

    /** The content of the header at {@link #at} that describes the next one; goes on behind it. */
    private byte[] extended(long size) throws IOException {
        if (size < 0 || size > MAX_EXTENDED) {
            throw new IOException("the tarball holds a header of " + size + " bytes");
        }
        byte[] content = source.read(at + BLOCK, (int) size);
        at += BLOCK + Math.ceilDiv(size, (long) BLOCK) * BLOCK;
        return content;
    }

    /** Records of a length, a blank, a keyword, an equals sign, a value, and a line feed. */
    private Map<String, String> records(byte[] content) throws IOException {
        Map<String, String> records = new HashMap<>();
        var map = new StringBuilder();
        int place = 0;
        while (place < content.length) {
            int blank = place;
            long length = 0;
            while (blank < content.length && content[blank] >= '0' && content[blank] <= '9' && length < MAX_EXTENDED) {
                length = length * 10 + content[blank++] - '0';
            }
            long end = place + length;
            if (blank >= content.length || content[blank] != ' ' || end > content.length || end <= blank + 1) {
                throw new IOException("the tarball is damaged: an extended header is none");
            }
            String record = new String(content, blank + 1, (int) end - blank - 2, StandardCharsets.UTF_8);
            int equals = record.indexOf('=');
            if (equals < 1) {
                throw new IOException("the tarball is damaged: an extended header is none");
            }
            String key = record.substring(0, equals);
            String value = record.substring(equals + 1);
            if (key.equals("GNU.sparse.offset") || key.equals("GNU.sparse.numbytes")) {
                // Version 0.0 repeats these two; they are kept as version 0.1 has them.
                map.append(map.isEmpty() ? "" : ",").append(value);
            } else {
                records.put(key, value);
            }
            place = (int) end;
        }
        if (!map.isEmpty()) {
            records.put("GNU.sparse.map", map.toString());
        }
        return records;
    }

    private @Nullable String value(Map<String, String> own, String key) {
        return first(own.get(key), global.get(key));
    }

    private long number(Map<String, String> own, String key, byte[] header, int from, int length) throws IOException {
        String written = value(own, key);
        return written == null ? number(header, from, length) : decimal(written);
    }

    private static @Nullable String first(@Nullable String... values) {
        for (String value : values) {
            if (value != null) {
                return value;
            }
        }
        return null;
    }

    private static long decimal(String text) throws IOException {
        if (text.isEmpty() || text.length() > 18 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new IOException("the tarball is damaged: '" + shown(text) + "' is no number");
        }
        return Long.parseLong(text);
    }

    private static Pieces pieces(List<Long> numbers) throws IOException {
        if (numbers.size() % 2 != 0) {
            throw new IOException("the tarball is damaged: a map of holes is cut short");
        }
        return new Pieces(numbers);
    }

    /** Octal digits, or GNU's base 256. */
    private static long number(byte[] header, int from, int length) throws IOException {
        if ((header[from] & 0x80) != 0) {
            long value = header[from] & 0x3f;
            for (int i = from + 1; i < from + length; i++) {
                if (value >> 55 != 0) {
                    throw new IOException("the tarball is damaged: a number is too large");
                }
                value = value << 8 | Byte.toUnsignedInt(header[i]);
            }
            if ((header[from] & 0x40) != 0) {
                throw new IOException("the tarball is damaged: a number is negative");
            }
            return value;
        }
        long value = 0;
        boolean begun = false;
        for (int i = from; i < from + length; i++) {
            byte digit = header[i];
            if (digit >= '0' && digit <= '7') {
                value = value * 8 + digit - '0';
                begun = true;
            } else if (digit == 0 || (digit == ' ' && begun)) {
                break;
            } else if (digit != ' ') {
                throw new IOException("the tarball is damaged: a header's number is none");
            }
        }
        return value;
    }

    private static String text(byte[] bytes, int from, int length) {
        int end = from;
        while (end < from + length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, from, end - from, StandardCharsets.UTF_8);
    }

    private static boolean zero(byte[] block) {
        for (byte value : block) {
            if (value != 0) {
                return false;
            }
        }
        return true;
    }

    /** A name that is safe to show, and not too long. */
    static String shown(String name) {
        String safe = name.replaceAll("\\p{C}", "?");
        return safe.length() <= 80 ? safe : safe.substring(0, 80) + "…";
    }
}
