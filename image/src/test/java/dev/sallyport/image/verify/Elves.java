package dev.sallyport.image.verify;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes small ELF files with the parts that loading depends on; addresses are offsets. */
final class Elves {
    private final ByteArrayOutputStream names = new ByteArrayOutputStream();
    private final Map<String, List<String>> needed = new LinkedHashMap<>();
    private final List<String> defined = new ArrayList<>();
    private String interpreter = "";
    private String runpath = "";
    private String rpath = "";
    private int machine = 62;

    private Elves() {
        names.write(0);
    }

    /** A program for x86-64 with glibc's loader. */
    static Elves program() {
        return new Elves().loader("/lib64/ld-linux-x86-64.so.2");
    }

    static Elves library() {
        return new Elves();
    }

    Elves loader(String path) {
        interpreter = path;
        return this;
    }

    Elves machine(int number) {
        machine = number;
        return this;
    }

    Elves needs(String library, String... versions) {
        needed.put(library, List.of(versions));
        return this;
    }

    Elves defines(String... versions) {
        defined.addAll(List.of(versions));
        return this;
    }

    Elves runpath(String folders) {
        runpath = folders;
        return this;
    }

    Elves rpath(String folders) {
        rpath = folders;
        return this;
    }

    byte[] bytes() {
        ByteBuffer elf = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        List<long[]> dynamic = new ArrayList<>();
        needed.keySet().forEach(library -> dynamic.add(new long[] {1, name(library)}));
        if (!runpath.isEmpty()) {
            dynamic.add(new long[] {29, name(runpath)});
        }
        if (!rpath.isEmpty()) {
            dynamic.add(new long[] {15, name(rpath)});
        }
        int versionsAt = 1024;
        if (needed.values().stream().anyMatch(versions -> !versions.isEmpty())) {
            dynamic.add(new long[] {0x6ffffffeL, versionsAt});
            needs(elf, versionsAt);
        }
        if (!defined.isEmpty()) {
            dynamic.add(new long[] {0x6ffffffcL, 1536});
            defines(elf, 1536);
        }
        byte[] strings = names.toByteArray();
        elf.put(2048, strings);
        dynamic.add(new long[] {5, 2048});
        dynamic.add(new long[] {10, strings.length});
        dynamic.add(new long[] {0, 0});
        for (int i = 0; i < dynamic.size(); i++) {
            elf.putLong(512 + i * 16, dynamic.get(i)[0]);
            elf.putLong(520 + i * 16, dynamic.get(i)[1]);
        }
        byte[] loader = (interpreter + "\0").getBytes(StandardCharsets.US_ASCII);
        elf.put(300, loader);
        elf.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        elf.putShort(16, (short) 3);
        elf.putShort(18, (short) machine);
        elf.putLong(32, 64);
        elf.putShort(54, (short) 56);
        elf.putShort(56, (short) (interpreter.isEmpty() ? 2 : 3));
        segment(elf, 0, 1, 0, 4096);
        segment(elf, 1, 2, 512, dynamic.size() * 16L);
        if (!interpreter.isEmpty()) {
            segment(elf, 2, 3, 300, loader.length);
        }
        return elf.array();
    }

    private static void segment(ByteBuffer elf, int index, int type, long offset, long size) {
        int at = 64 + index * 56;
        elf.putInt(at, type);
        elf.putLong(at + 8, offset);
        elf.putLong(at + 16, offset);
        elf.putLong(at + 32, size);
    }

    private void needs(ByteBuffer elf, int from) {
        int at = from;
        List<Map.Entry<String, List<String>>> all = needed.entrySet().stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .toList();
        for (int i = 0; i < all.size(); i++) {
            int count = all.get(i).getValue().size();
            elf.putShort(at, (short) 1);
            elf.putShort(at + 2, (short) count);
            elf.putInt(at + 4, name(all.get(i).getKey()));
            elf.putInt(at + 8, 16);
            elf.putInt(at + 12, i + 1 < all.size() ? 16 + 16 * count : 0);
            for (int j = 0; j < count; j++) {
                int entry = at + 16 + 16 * j;
                elf.putInt(entry + 8, name(all.get(i).getValue().get(j)));
                elf.putInt(entry + 12, j + 1 < count ? 16 : 0);
            }
            at += 16 + 16 * count;
        }
    }

    private void defines(ByteBuffer elf, int from) {
        for (int i = 0; i < defined.size(); i++) {
            int at = from + i * 28;
            elf.putShort(at, (short) 1);
            elf.putShort(at + 6, (short) 1);
            elf.putInt(at + 12, 20);
            elf.putInt(at + 16, i + 1 < defined.size() ? 28 : 0);
            elf.putInt(at + 20, name(defined.get(i)));
        }
    }

    private int name(String name) {
        int at = names.size();
        names.writeBytes((name + "\0").getBytes(StandardCharsets.US_ASCII));
        return at;
    }
}
