package dev.sallyport.image.boot;

import dev.sallyport.image.tree.Compression;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The names in an initramfs, and the contents of its small files that say how it boots. It is read as Linux unpacks it (init/
 * initramfs.c): archives one after the other with zeros between them, the last ones compressed together or not at all; of two
 * entries with one name the later counts. As in Linux, what lies in a folder that has no entry itself cannot be found.
 */
public final class InitramfsFile {
    private static final long MOST_UNPACKED = 2L << 30;
    private static final int MOST_ENTRIES = 300_000;
    private static final long MOST_NAMES = 64L << 20;
    /** Contents of larger files are not kept. */
    private static final int MAX_TEXT = 1 << 20;

    private static final long MOST_TEXT = 16L << 20;
    private static final int MOST_LINKS = 40;
    private static final int MOST_PARTS = 4096;
    private static final int LINK = 0120000;
    private static final int FILE = 0100000;
    private static final int KIND = 0170000;

    private static final Pattern KEPT = Pattern.compile("(?:s?bin/|usr/s?bin/)?init"
            + "|(?:usr/)?lib/modules/[^/]+/modules\\.(?:builtin|dep|order)|etc/[^/]+|conf/.*|scripts/.*");
    private static final List<String> MODULE_FOLDERS = List.of("lib/modules/", "usr/lib/modules/");
    private static final List<String> MODULE_ENDS = List.of(".ko", ".ko.xz", ".ko.zst", ".ko.gz");
    /** Zeros between archives fill up sectors, or pages at most. */
    private static final int MOST_ZEROS = 16 << 20;

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, byte[]> contents = new LinkedHashMap<>();
    private final SortedSet<String> modules = new TreeSet<>();
    private final SortedSet<String> releases = new TreeSet<>();
    private final List<String> forms = new ArrayList<>();
    private long kept;
    private long names;

    private InitramfsFile() {}

    /**
     * An entry.
     *
     * @param path without a leading {@code /}
     * @param mode with the bits of its kind, as stat(2) has them
     * @param size its content's bytes
     */
    public record Entry(String path, int mode, long size) {
        /** True for a file that may be executed. */
        public boolean executable() {
            return (mode & KIND) == FILE && (mode & 0111) != 0;
        }
    }

    /**
     * Reads it.
     *
     * @throws IOException with one sentence when it is no initramfs, is damaged, or larger than any is
     */
    public static InitramfsFile open(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new IOException(path + " is not a file");
        }
        var initramfs = new InitramfsFile();
        try (InputStream in = new BufferedInputStream(new Bounded(Files.newInputStream(path)), 1 << 16)) {
            initramfs.archives(in, "");
        } catch (IOException e) {
            throw new IOException(path + " is no initramfs that can be read: " + e.getMessage(), e);
        }
        if (initramfs.forms.isEmpty()) {
            throw new IOException(path + " is no initramfs: it is empty");
        }
        return initramfs;
    }

    /** What its archives are, in turn: {@code cpio}, or {@code cpio (zstd)}. */
    public List<String> forms() {
        return List.copyOf(forms);
    }

    /** All paths, without a leading {@code /}, in the archives' order. */
    public List<String> paths() {
        return List.copyOf(entries.keySet());
    }

    /** True when {@code path} is there, links followed. */
    public boolean has(String path) {
        return find(path).isPresent();
    }

    /** What {@code path} is, links followed; empty when it is not there. */
    public Optional<Entry> find(String path) {
        return Optional.ofNullable(entries.get(resolve(path)));
    }

    /**
     * The content of a file as UTF-8, links followed; empty when it is not there, or is none of those that are kept: {@code init},
     * what lies in {@code etc}, {@code conf} and {@code scripts}, and the lists of modules, each of at most 1 MiB.
     */
    public Optional<String> text(String path) {
        Entry entry = entries.get(resolve(path));
        byte[] content = entry == null || (entry.mode() & KIND) == LINK ? null : contents.get(entry.path());
        return content == null ? Optional.empty() : Optional.of(new String(content, StandardCharsets.UTF_8));
    }

    /** The names of its modules, with {@code _} for {@code -} as the kernel has them. */
    public SortedSet<String> modules() {
        return Collections.unmodifiableSortedSet(modules);
    }

    /** The releases of the kernels that its modules are for. */
    public SortedSet<String> releases() {
        return Collections.unmodifiableSortedSet(releases);
    }

    private void archives(InputStream in, String compression) throws IOException {
        int zeros = 0;
        while (true) {
            in.mark(8);
            byte[] first = in.readNBytes(8);
            if (first.length == 0) {
                return;
            }
            in.reset();
            if (first[0] == 0) {
                if (++zeros > MOST_ZEROS) {
                    throw new IOException(
                            "it holds more than " + (MOST_ZEROS >> 20) + " MiB of zeros between archives");
                }
                in.read();
            } else if (first[0] == '0') {
                forms.add("cpio" + compression);
                archive(new CpioReader(in));
            } else {
                Compression how = Compression.of(first)
                        .filter(found -> compression.isEmpty())
                        .orElseThrow(() -> new IOException(
                                forms.isEmpty()
                                        ? "it begins neither as a cpio archive nor as a compressed one"
                                        : "after an archive there is neither another one nor the end"));
                try (InputStream unpacked = new BufferedInputStream(new Bounded(how.decompress(in)), 1 << 16)) {
                    archives(unpacked, " (" + how.word() + ")");
                }
                return;
            }
        }
    }

    private void archive(CpioReader archive) throws IOException {
        for (CpioReader.Header header = archive.next(); header != null; header = archive.next()) {
            String path = String.join("/", parts(header.name()));
            if (path.isEmpty()) {
                continue;
            }
            names += path.length();
            if (entries.size() >= MOST_ENTRIES || names > MOST_NAMES) {
                throw new IOException("it holds more than " + MOST_ENTRIES + " entries, or longer names than are read");
            }
            entries.remove(path);
            byte[] old = contents.remove(path);
            kept -= old == null ? 0 : old.length;
            entries.put(path, new Entry(path, header.mode(), header.size()));
            boolean link = (header.mode() & KIND) == LINK;
            boolean wanted = link
                    ? header.size() <= MOST_PARTS
                    : header.size() <= MAX_TEXT && KEPT.matcher(path).matches();
            if (wanted && kept + header.size() <= MOST_TEXT) {
                contents.put(path, archive.content());
                kept += header.size();
            }
            if ((header.mode() & KIND) == FILE) {
                module(path);
            }
        }
    }

    private void module(String path) {
        for (String folder : MODULE_FOLDERS) {
            int end = path.indexOf('/', folder.length());
            if (!path.startsWith(folder) || end < 0) {
                continue;
            }
            String name = path.substring(path.lastIndexOf('/') + 1);
            for (String suffix : MODULE_ENDS) {
                if (name.endsWith(suffix)) {
                    releases.add(path.substring(folder.length(), end));
                    modules.add(
                            name.substring(0, name.length() - suffix.length()).replace('-', '_'));
                }
            }
        }
    }

    /** The path without links; empty when it leads nowhere. */
    private String resolve(String path) {
        Deque<String> left = new ArrayDeque<>(parts(path));
        Deque<String> done = new ArrayDeque<>();
        int links = 0;
        for (int step = 0; !left.isEmpty() && step < MOST_PARTS; step++) {
            String name = left.pop();
            if (name.equals("..")) {
                done.pollLast();
                continue;
            }
            done.addLast(name);
            String at = String.join("/", done);
            Entry entry = entries.get(at);
            if (entry == null) {
                return "";
            }
            if ((entry.mode() & KIND) != LINK) {
                continue;
            }
            byte[] target = contents.get(at);
            if (target == null || target.length == 0 || ++links > MOST_LINKS) {
                return "";
            }
            done.removeLast();
            if (target[0] == '/') {
                done.clear();
            }
            parts(new String(target, StandardCharsets.UTF_8)).reversed().forEach(left::push);
        }
        return left.isEmpty() ? String.join("/", done) : "";
    }

    private static List<String> parts(String path) {
        return Arrays.stream(path.split("/", -1))
                .filter(part -> !part.isEmpty() && !part.equals("."))
                .toList();
    }

    /** Ends with an error what is larger than any initramfs. */
    private static final class Bounded extends FilterInputStream {
        private long left = MOST_UNPACKED;

        Bounded(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
        }

        @Override
        public int read(byte[] into, int from, int count) throws IOException {
            int read = in.read(into, from, count);
            left -= Math.max(0, read);
            if (left < 0) {
                throw new IOException("unpacked it is larger than 2 GiB");
            }
            return read;
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }
}
