package dev.sallyport.agent.identity;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The pages by which user-space generators of random numbers learn of a fork. BoringSSL (in Chromium) seeds one in memory and maps a
 * page with MADV_WIPEONFORK, in which a flag is set: where the flag is gone, this is another process, and it takes a new seed before the
 * next number. For a clone of a machine nobody wipes the page, so this does.
 *
 * <p>Looking for the pages means that the kernel goes through all of a process's memory, which takes long. So that is done before the
 * snapshot, and again only for processes that have mapped anything since.
 */
public final class ForkDetectPages {
    private static final int CHUNK = 64 * 1024;

    /** Counted from the field after the program's name, which is the third (proc(5), stat). */
    private static final int START_TIME = 19;

    private static final int MAPPED_BYTES = 20;

    private final Path proc;
    private final long own;
    private final Map<String, Looked> known = new HashMap<>();
    /** The kernel's own threads, most of what there is; numbers are not given out again before all others were. */
    private final Set<String> threads = new HashSet<>();

    /** A process's identity and how much it has mapped: when both are the same, what was found in it is. */
    private record Shape(String startTime, String mappedBytes) {}

    private record Range(long from, long to) {}

    private record Looked(Shape shape, List<Range> pages) {}

    /**
     * Of the machine's processes.
     *
     * @param proc where proc(5) is mounted
     * @param own the agent's own process, which has no such generator
     */
    public ForkDetectPages(Path proc, long own) {
        this.proc = proc;
        this.own = own;
    }

    /**
     * Looks for them in all processes that have changed.
     *
     * @return how many had
     * @throws IOException when proc(5) cannot be read
     */
    public synchronized int look() throws IOException {
        Map<String, Looked> now = new HashMap<>();
        int changed = 0;
        for (String pid : processes()) {
            Optional<Shape> shape = threads.contains(pid) ? Optional.empty() : shape(pid);
            if (shape.isEmpty()) {
                continue;
            }
            if (shape.get().mappedBytes().equals("0")) {
                threads.add(pid);
                continue;
            }
            Looked before = known.get(pid);
            if (before != null && before.shape().equals(shape.get())) {
                now.put(pid, before);
            } else {
                now.put(pid, new Looked(shape.get(), find(pid)));
                changed++;
            }
        }
        known.clear();
        known.putAll(now);
        return changed;
    }

    /**
     * Wipes all that were found.
     *
     * @return how many mappings
     * @throws IOException when a process that is there cannot be written to
     */
    public synchronized int wipe() throws IOException {
        int count = 0;
        for (Map.Entry<String, Looked> each : known.entrySet()) {
            if (!each.getValue().pages().isEmpty()) {
                wipe(each.getKey(), each.getValue());
                count += each.getValue().pages().size();
            }
        }
        return count;
    }

    private void wipe(String pid, Looked process) throws IOException {
        try (FileChannel memory = FileChannel.open(proc.resolve(pid).resolve("mem"), StandardOpenOption.WRITE)) {
            for (Range range : process.pages()) {
                for (long at = range.from(); at < range.to(); ) {
                    ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(CHUNK, range.to() - at));
                    at += memory.write(zeros, at);
                }
            }
        } catch (IOException e) {
            // One that has ended meanwhile draws nothing any more.
            if (shape(pid).filter(process.shape()::equals).isPresent()) {
                throw new IOException("the generator of process " + pid + " cannot be reset: " + e.getMessage(), e);
            }
        }
    }

    private List<String> processes() throws IOException {
        var found = new ArrayList<String>();
        try (DirectoryStream<Path> each = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path folder : each) {
                String name = folder.getFileName().toString();
                if (!name.equals(String.valueOf(own))) {
                    found.add(name);
                }
            }
        }
        return found;
    }

    /** Empty for one that has ended; of the kernel's own threads, and of what has ended and was not reaped, none is mapped. */
    private Optional<Shape> shape(String pid) throws IOException {
        String stat;
        try (InputStream in = Files.newInputStream(proc.resolve(pid).resolve("stat"))) {
            stat = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            if (Files.exists(proc.resolve(pid).resolve("stat"))) {
                throw e;
            }
            return Optional.empty();
        }
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", MAPPED_BYTES + 2);
        if (fields.length <= MAPPED_BYTES) {
            return Optional.empty();
        }
        return Optional.of(new Shape(fields[START_TIME], fields[MAPPED_BYTES]));
    }

    private List<Range> find(String pid) throws IOException {
        byte[] maps;
        try (InputStream in = Files.newInputStream(proc.resolve(pid).resolve("smaps"))) {
            var all = new ByteArrayOutputStream(1 << 20);
            in.transferTo(all);
            maps = all.toByteArray();
        } catch (IOException e) {
            if (shape(pid).isPresent()) {
                throw e;
            }
            return List.of();
        }
        return find(maps);
    }

    /** The mappings whose VmFlags hold {@code wf}. By bytes, because there are hundreds of thousands, and hardly any is it. */
    private static List<Range> find(byte[] maps) {
        var found = new ArrayList<Range>();
        int header = 0;
        for (int line = 0; line < maps.length; ) {
            int end = line;
            while (end < maps.length && maps[end] != '\n') {
                end++;
            }
            // Mappings begin with a hexadecimal digit in lower case, all else about them with a capital letter.
            if (maps[line] > 'Z' || maps[line] <= '9') {
                header = line;
            } else if (maps[line] == 'V' && holdsFlag(maps, line, end)) {
                found.add(range(maps, header));
            }
            line = end + 1;
        }
        return found;
    }

    private static boolean holdsFlag(byte[] maps, int line, int end) {
        for (int i = line; i + 2 < end; i++) {
            if (maps[i] == ' ' && maps[i + 1] == 'w' && maps[i + 2] == 'f') {
                return true;
            }
        }
        return false;
    }

    private static Range range(byte[] maps, int header) {
        int space = header;
        while (maps[space] != ' ') {
            space++;
        }
        String text = new String(maps, header, space - header, StandardCharsets.ISO_8859_1);
        int dash = text.indexOf('-');
        return new Range(
                Long.parseUnsignedLong(text.substring(0, dash), 16),
                Long.parseUnsignedLong(text.substring(dash + 1), 16));
    }
}
