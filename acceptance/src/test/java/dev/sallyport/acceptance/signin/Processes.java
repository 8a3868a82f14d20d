package dev.sallyport.acceptance.signin;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What every user of this host can see of its processes: their command lines (proc(5)). */
final class Processes {
    private Processes() {}

    static List<String> commandLines() {
        List<String> lines = new ArrayList<>();
        ProcessHandle.allProcesses().forEach(process -> {
            try {
                lines.add(new String(
                                Files.readAllBytes(Path.of("/proc", Long.toString(process.pid()), "cmdline")),
                                StandardCharsets.ISO_8859_1)
                        .replace('\0', ' '));
            } catch (IOException e) {
                // It ended while we looked: it has no command line any more.
                lines.add("");
            }
        });
        return lines;
    }
}
