package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names of a file system's folders with the numbers of their inodes: read once, and remembered while there is room. */
final class FolderNames {
    /** About what a remembered name weighs beside its own characters, in bytes. */
    private static final int NAME_COSTS = 120;

    private final Recent<Long, Map<String, Long>> folders = new Recent<>(48L << 20);

    /** What reads a folder's names. */
    interface Reader {
        void read(Table into) throws IOException;
    }

    /** The table that a reader fills. */
    static final class Table {
        private final Map<String, Long> names = new LinkedHashMap<>();
        private long weight;

        /** Adds a name; {@code .} and {@code ..} are left out, and of two that are the same the first one counts. */
        void add(byte[] bytes, int from, int length, long number) throws IOException {
            if (length == 0 || length > FileTree.MAX_NAME_BYTES) {
                throw new IOException("a folder holds a name of " + length + " bytes");
            }
            for (int i = from; i < from + length; i++) {
                if (bytes[i] == '/' || bytes[i] == 0) {
                    throw new IOException("a folder holds a name that no file can have");
                }
            }
            String name = new String(bytes, from, length, StandardCharsets.UTF_8);
            if (name.equals(".") || name.equals("..")) {
                return;
            }
            if (names.size() >= FileTree.MAX_FOLDER_ENTRIES) {
                throw new IOException("a folder has more than " + FileTree.MAX_FOLDER_ENTRIES + " entries");
            }
            names.putIfAbsent(name, number);
            weight += NAME_COSTS + length;
        }
    }

    /** The names of the folder {@code number}. */
    Map<String, Long> of(long number, Reader reader) throws IOException {
        @Nullable Map<String, Long> known = folders.get(number);
        if (known == null) {
            var table = new Table();
            reader.read(table);
            known = table.names;
            folders.put(number, known, table.weight + NAME_COSTS);
        }
        return known;
    }
}
