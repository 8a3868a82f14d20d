package dev.sallyport.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What a benchmark ran on, without anything that names the host. */
public final class HostDescription {
    private HostDescription() {}

    /** Lines for a document. */
    public static List<String> lines() throws IOException {
        String model = field(Path.of("/proc/cpuinfo"), "model name");
        long memoryKib =
                Long.parseLong(field(Path.of("/proc/meminfo"), "MemTotal").split(" ", -1)[0]);
        return List.of(
                Runtime.getRuntime().availableProcessors() + " cores" + (model.isEmpty() ? "" : " (" + model + ")"),
                String.format(Locale.ROOT, "%.0f GB of memory", memoryKib / 1e6),
                "Linux " + System.getProperty("os.version"),
                "Java " + System.getProperty("java.runtime.version") + " (" + System.getProperty("java.vendor") + ")");
    }

    private static String field(Path file, String name) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("");
    }
}
