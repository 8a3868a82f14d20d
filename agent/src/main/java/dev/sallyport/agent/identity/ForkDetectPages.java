package dev.sallyport.agent.identity;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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

    /** Seven numbers of pages. */
    private static final int MOST_OF_STATM = 256;

    private static final String NOTHING = "0";

    private final Path proc;
    private final long own;
    /** By their numbers, which are not given out again before all others were. */
    private final Map<String, Looked> known = new HashMap<>();
    /** The kernel's own threads, most of what there is. */
    private final Set<String> threads = new HashSet<>();

    private record Range(long from, long to) {}

    /** What was found in a process, which is so as long as it has mapped as much as then. */
    private record Looked(String mappedPages, List<Range> pages) {}

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
            if (threads.contains(pid)) {
                continue;
            }
            String mapped = mappedPages(pid);
            if (mapped.equals(NOTHING)) {
                threads.add(pid);
                continue;
            }
            Looked before = known.get(pid);
            if (before != null && before.mappedPages().equals(mapped)) {
                now.put(pid, before);
            } else if (!mapped.isEmpty()) {
                now.put(pid, new Looked(mapped, find(pid)));
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
            if (mappedPages(pid).equals(process.mappedPages())) {
                throw new IOException("the generator of process " + pid + " cannot be reset: " + e.getMessage(), e);
            }
        }
    }

    private List<String> processes() throws IOException {
        var found = new ArrayList<String>();
        String mine = String.valueOf(own);
        String[] names = proc.toFile().list();
        if (names == null) {
            throw new IOException(proc + " cannot be listed");
        }
        for (String name : names) {
            if (name.charAt(0) <= '9' && name.charAt(0) >= '0' && !name.equals(mine)) {
                found.add(name);
            }
        }
        return found;
    }

    /**
     * How much a process has mapped (proc(5), statm): the kernel's own threads, and what has ended and was not reaped, nothing. Empty for one
     * that has ended.
     */
    private String mappedPages(String pid) throws IOException {
        Path statm = proc.resolve(pid).resolve("statm");
        // All of the line comes at once, and its first number is the size.
        try (var in = new FileInputStream(statm.toFile())) {
            byte[] line = new byte[MOST_OF_STATM];
            int length = in.read(line);
            int end = 0;
            while (end < length && line[end] != ' ') {
                end++;
            }
            return new String(line, 0, end, StandardCharsets.US_ASCII);
        } catch (IOException e) {
            if (Files.exists(statm)) {
                throw e;
            }
            return "";
        }
    }

    private List<Range> find(String pid) throws IOException {
        byte[] maps;
        try (InputStream in = Files.newInputStream(proc.resolve(pid).resolve("smaps"))) {
            var all = new ByteArrayOutputStream(1 << 20);
            in.transferTo(all);
            maps = all.toByteArray();
        } catch (IOException e) {
            if (Files.exists(proc.resolve(pid))) {
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
