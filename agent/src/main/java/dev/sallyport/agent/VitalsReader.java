package dev.sallyport.agent;

import dev.sallyport.agentapi.Vitals;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Reads how the machine fares from proc(5). */
final class VitalsReader {
    private final Path proc;
    private final Path disk;

    /**
     * A reader.
     *
     * @param proc where proc(5) is mounted
     * @param disk a folder on the writable disk
     */
    VitalsReader(Path proc, Path disk) {
        this.proc = proc;
        this.disk = disk;
    }

    /**
     * Reads.
     *
     * @throws IOException when the kernel's files are not as they should be
     */
    Vitals read() throws IOException {
        List<String> memory = Files.readAllLines(proc.resolve("meminfo"));
        return new Vitals(
                new BigDecimal(firstWord("uptime")).movePointRight(3).longValue(),
                kib(memory, "MemTotal:"),
                kib(memory, "MemAvailable:"),
                Double.parseDouble(firstWord("loadavg")),
                Files.getFileStore(disk).getUsableSpace() / 1024);
    }

    private String firstWord(String file) throws IOException {
        return Files.readString(proc.resolve(file)).split(" ", 2)[0];
    }

    private static long kib(List<String> memory, String name) throws IOException {
        for (String line : memory) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.substring(name.length()).replace("kB", "").strip());
            }
        }
        throw new IOException("meminfo has no " + name);
    }
}
