package dev.sallyport.image.build;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a kernel module says of itself in its section {@code .modinfo} (ELF-64, little-endian). */
final class KernelModule {
    private KernelModule() {}

    /**
     * The modules that must be loaded before it.
     *
     * @throws IOException when {@code file} is not a kernel module
     */
    static List<String> dependencies(byte[] file) throws IOException {
        String depends = info(file).get("depends");
        if (depends == null) {
            throw new IOException("the module does not say what it depends on");
        }
        return depends.isEmpty() ? List.of() : List.of(depends.split(",", -1));
    }

    private static Map<String, String> info(byte[] file) throws IOException {
        try {
            ByteBuffer elf = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
            if (elf.getInt(0) != 0x464c457f || elf.get(4) != 2 || elf.get(5) != 1) {
                throw new IOException("this is not an ELF-64 file");
            }
            int sections = Math.toIntExact(elf.getLong(0x28));
            int size = elf.getShort(0x3a);
            int count = elf.getShort(0x3c);
            int names = offset(elf, sections + size * elf.getShort(0x3e));
            for (int n = 0; n < count; n++) {
                int header = sections + n * size;
                if (text(file, names + elf.getInt(header)).equals(".modinfo")) {
                    return entries(file, offset(elf, header), Math.toIntExact(elf.getLong(header + 0x20)));
                }
            }
            throw new IOException("it has no section .modinfo");
        } catch (IndexOutOfBoundsException | ArithmeticException e) {
            throw new IOException("the ELF file is damaged", e);
        }
    }

    private static int offset(ByteBuffer elf, int header) {
        return Math.toIntExact(elf.getLong(header + 0x18));
    }

    private static Map<String, String> entries(byte[] file, int from, int length) {
        Map<String, String> entries = new LinkedHashMap<>();
        for (int at = from; at < from + length; ) {
            String entry = text(file, at);
            int equals = entry.indexOf('=');
            if (equals > 0) {
                entries.putIfAbsent(entry.substring(0, equals), entry.substring(equals + 1));
            }
            at += entry.length() + 1;
        }
        return entries;
    }

    private static String text(byte[] file, int from) {
        int end = from;
        while (file[end] != 0) {
            end++;
        }
        return new String(file, from, end - from, StandardCharsets.ISO_8859_1);
    }
}
