package dev.sallyport.image.verify.elf;

import dev.sallyport.image.tree.Tree.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What of an ELF file decides whether it can be started or loaded. The file is not trusted: offsets, sizes and counts are bounded
 * by the file and by limits of our own.
 *
 * @param architecture what it is for
 * @param type {@code e_type}: 2 a program, 3 a shared object or a position-independent program
 * @param interpreter the dynamic loader that it names; empty when it names none
 * @param needed names of the libraries that it needs
 * @param soname its own name as a library; empty when it has none
 * @param rpath where its libraries and theirs are looked for; only without {@code runpath}
 * @param runpath where its own libraries are looked for
 * @param versionsNeeded the symbol versions that it needs, by library
 * @param versionsDefined the symbol versions that it has, in their order
 * @param noDefaultLibraries true when the default folders are not searched for it
 */
public record ElfFile(
        Architecture architecture,
        int type,
        String interpreter,
        List<String> needed,
        String soname,
        List<String> rpath,
        List<String> runpath,
        Map<String, Set<String>> versionsNeeded,
        Set<String> versionsDefined,
        boolean noDefaultLibraries) {

    /** Reads an ELF file. */
    public static ElfFile read(Entry file) throws IOException, ElfException {
        return new Reader(file).read();
    }

    private static final class Reader {
        private static final int MOST_HEADERS = 1024;
        private static final int MOST_ENTRIES = 4096;
        private static final int MOST_STRINGS = 16 << 20;
        private static final int MAX_NAME = 4096;
        private static final int MAX_TABLE = 4 << 20;

        private final Entry file;
        private final long size;
        private ByteOrder order = ByteOrder.LITTLE_ENDIAN;
        private boolean wide = true;
        private final List<long[]> loads = new ArrayList<>();
        private byte[] strings = new byte[0];

        Reader(Entry file) {
            this.file = file;
            this.size = file.node().size();
        }

        ElfFile read() throws IOException, ElfException {
            ByteBuffer ident = bytes(0, 16, "its header");
            if (ident.getInt(0) != 0x464c457f) {
                throw new ElfException("it is no ELF file");
            }
            int bits = ident.get(4);
            int data = ident.get(5);
            if (bits < 1 || bits > 2 || data < 1 || data > 2) {
                throw new ElfException("its ELF header has an impossible class or byte order");
            }
            wide = bits == 2;
            order = data == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
            ByteBuffer head = bytes(0, wide ? 64 : 52, "its header");
            int type = Short.toUnsignedInt(head.getShort(16));
            var architecture = new Architecture(Short.toUnsignedInt(head.getShort(18)), wide, data == 1);
            long at = wide ? head.getLong(32) : Integer.toUnsignedLong(head.getInt(28));
            int entrySize = Short.toUnsignedInt(head.getShort(wide ? 54 : 42));
            int count = Short.toUnsignedInt(head.getShort(wide ? 56 : 44));
            if (count == 0 || count > MOST_HEADERS || entrySize != (wide ? 56 : 32)) {
                throw new ElfException("its ELF header has no usable table of segments");
            }
            ByteBuffer headers = bytes(at, count * entrySize, "its table of segments");
            String interpreter = "";
            long dynamicAt = -1;
            long dynamicSize = 0;
            for (int i = 0; i < count; i++) {
                int base = i * entrySize;
                int kind = headers.getInt(base);
                long offset = word(headers, base + (wide ? 8 : 4));
                long address = word(headers, base + (wide ? 16 : 8));
                long length = word(headers, base + (wide ? 32 : 16));
                if (kind == 1) {
                    if (offset < 0 || length < 0 || offset + length > size) {
                        throw new ElfException("it is cut short: a segment lies behind its end");
                    }
                    loads.add(new long[] {address, offset, length});
                } else if (kind == 3) {
                    interpreter = text(offset, length);
                } else if (kind == 2) {
                    dynamicAt = offset;
                    dynamicSize = length;
                }
            }
            if (loads.isEmpty() && (type == 2 || type == 3)) {
                throw new ElfException("it has no segment to load");
            }
            return dynamic(architecture, type, interpreter, dynamicAt, dynamicSize);
        }

        private ElfFile dynamic(Architecture architecture, int type, String interpreter, long at, long length)
                throws IOException, ElfException {
            List<Long> needed = new ArrayList<>();
            Map<Long, Long> tags = new LinkedHashMap<>();
            if (at >= 0) {
                int entry = wide ? 16 : 8;
                int count = (int) Math.min(MOST_ENTRIES, Math.max(0, length) / entry);
                ByteBuffer table = bytes(at, count * entry, "its dynamic section");
                for (int i = 0; i < count; i++) {
                    long tag = word(table, i * entry);
                    long value = word(table, i * entry + entry / 2);
                    if (tag == 0) {
                        break;
                    }
                    if (tag == 1) {
                        needed.add(value);
                    } else {
                        tags.put(tag, value);
                    }
                }
            }
            if (tags.containsKey(5L)) {
                long stringsSize = Math.min(MOST_STRINGS, tags.getOrDefault(10L, 0L));
                strings = array(offset(tags.get(5L)), (int) Math.max(0, stringsSize), "its table of names");
            }
            List<String> names = new ArrayList<>();
            for (long name : needed) {
                names.add(string(name));
            }
            return new ElfFile(
                    architecture,
                    type,
                    interpreter,
                    List.copyOf(names),
                    tags.containsKey(14L) ? string(tags.get(14L)) : "",
                    folders(tags, 15),
                    folders(tags, 29),
                    needs(tags),
                    definitions(tags),
                    (tags.getOrDefault(0x6ffffffbL, 0L) & 0x800) != 0);
        }

        private List<String> folders(Map<Long, Long> tags, long tag) throws ElfException {
            Long at = tags.get(tag);
            return at == null ? List.of() : List.of(string(at).split(":", -1));
        }

        /** Verneed: which versions are needed of which library. */
        private Map<String, Set<String>> needs(Map<Long, Long> tags) throws IOException, ElfException {
            Map<String, Set<String>> needs = new LinkedHashMap<>();
            Long start = tags.get(0x6ffffffeL);
            if (start == null) {
                return needs;
            }
            ByteBuffer table = rest(offset(start));
            int at = 0;
            for (int libraries = 0; libraries < MOST_ENTRIES; libraries++) {
                need(table, at, 16);
                Set<String> versions =
                        needs.computeIfAbsent(string(unsigned(table, at + 4)), ignored -> new LinkedHashSet<>());
                int count = Short.toUnsignedInt(table.getShort(at + 2));
                long next = at + unsigned(table, at + 8);
                for (int i = 0; i < count && i < MOST_ENTRIES; i++) {
                    need(table, next, 16);
                    boolean weak = (table.getShort((int) next + 4) & 2) != 0;
                    String version = string(unsigned(table, (int) next + 8));
                    if (!weak && versions.size() < MOST_ENTRIES) {
                        versions.add(version);
                    }
                    long step = unsigned(table, (int) next + 12);
                    if (step == 0) {
                        break;
                    }
                    next += step;
                }
                long step = unsigned(table, at + 12);
                if (step == 0) {
                    break;
                }
                need(table, at + step, 16);
                at += (int) step;
            }
            return needs;
        }

        /** Verdef: which versions it has. */
        private Set<String> definitions(Map<Long, Long> tags) throws IOException, ElfException {
            Set<String> versions = new LinkedHashSet<>();
            Long start = tags.get(0x6ffffffcL);
            if (start == null) {
                return versions;
            }
            ByteBuffer table = rest(offset(start));
            long at = 0;
            for (int i = 0; i < MOST_ENTRIES; i++) {
                need(table, at, 20);
                boolean base = (table.getShort((int) at + 2) & 1) != 0;
                long name = at + unsigned(table, (int) at + 12);
                need(table, name, 8);
                if (!base) {
                    versions.add(string(unsigned(table, (int) name)));
                }
                long step = unsigned(table, (int) at + 16);
                if (step == 0) {
                    break;
                }
                at += step;
            }
            return versions;
        }

        private static void need(ByteBuffer table, long at, int length) throws ElfException {
            if (at < 0 || at + length > table.limit()) {
                throw new ElfException("its table of versions is damaged");
            }
        }

        private static long unsigned(ByteBuffer table, int at) {
            return Integer.toUnsignedLong(table.getInt(at));
        }

        private long word(ByteBuffer buffer, int at) {
            return wide ? buffer.getLong(at) : Integer.toUnsignedLong(buffer.getInt(at));
        }

        /** Where in the file the address is that the program will see. */
        private long offset(long address) throws ElfException {
            for (long[] load : loads) {
                if (address >= load[0] && address < load[0] + load[2]) {
                    return load[1] + address - load[0];
                }
            }
            throw new ElfException("its dynamic section points outside of its segments");
        }

        private String text(long at, long length) throws IOException, ElfException {
            if (length < 2 || length > MAX_NAME) {
                throw new ElfException("the name of its loader has an impossible length");
            }
            byte[] name = array(at, (int) length, "the name of its loader");
            return new String(name, 0, end(name, 0), StandardCharsets.UTF_8);
        }

        private String string(long at) throws ElfException {
            if (at < 0 || at >= strings.length) {
                throw new ElfException("its table of names is damaged");
            }
            int end = end(strings, (int) at);
            if (end - at > MAX_NAME) {
                throw new ElfException("it holds a name of impossible length");
            }
            return new String(strings, (int) at, end - (int) at, StandardCharsets.UTF_8);
        }

        private static int end(byte[] bytes, int from) {
            int end = from;
            while (end < bytes.length && bytes[end] != 0) {
                end++;
            }
            return end;
        }

        private ByteBuffer rest(long at) throws IOException, ElfException {
            return bytes(at, (int) Math.min(MAX_TABLE, Math.max(0, size - at)), "a table");
        }

        private ByteBuffer bytes(long at, int length, String what) throws IOException, ElfException {
            return ByteBuffer.wrap(array(at, length, what)).order(order);
        }

        private byte[] array(long at, int length, String what) throws IOException, ElfException {
            if (at < 0 || at + length > size) {
                throw new ElfException("it is cut short: " + what + " lies behind its end");
            }
            byte[] read = file.read(at, length);
            if (read.length < length) {
                throw new ElfException("it is cut short: " + what + " cannot be read");
            }
            return read;
        }
    }
}
