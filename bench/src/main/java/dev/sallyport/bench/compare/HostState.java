package dev.sallyport.bench.compare;

import dev.sallyport.bench.HostDescription;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What a benchmark runs on, and how busy that is already when it begins. */
public final class HostState {
    private HostState() {}

    /** Lines for a document, as of now. */
    public static List<String> lines() throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>(HostDescription.lines());
        lines.add(Files.exists(Path.of("/dev/kvm")) ? "a /dev/kvm" : "no /dev/kvm: virtual machines are emulated");
        lines.add(qemu());
        String load = Files.readString(Path.of("/proc/loadavg"));
        lines.add("load when it began: " + load.substring(0, load.indexOf(' ')));
        return lines;
    }

    private static String qemu() throws InterruptedException {
        try {
            Process process = new ProcessBuilder("qemu-system-x86_64", "--version")
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor(10, TimeUnit.SECONDS);
            return said.lines().findFirst().orElse("QEMU of an unknown version");
        } catch (IOException e) {
            return "no QEMU";
        }
    }
}
