package dev.sallyport.acceptance.signin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Looks for what a stage should not have left: processes that know its folder, network interfaces and rules of machines. */
public final class Leftovers {
    private Leftovers() {}

    /** What is left of the stage whose data lay at {@code data}; empty when nothing is. */
    public static List<String> of(Path data) throws IOException, InterruptedException {
        List<String> left = new ArrayList<>(processesThatKnow(data));
        outputOf("ip", "-o", "link")
                .lines()
                .filter(line -> line.contains(": spt"))
                .forEach(line -> left.add("interface " + line));
        outputOf("nft", "list", "tables")
                .lines()
                .filter(line -> line.contains("sallyport"))
                .forEach(line -> left.add("rules " + line));
        return left;
    }

    /** Processes whose command lines name {@code folder}. */
    public static List<String> processesThatKnow(Path folder) {
        return Processes.commandLines().stream()
                .filter(line -> line.contains(folder.toString()))
                .map(line -> "process " + line)
                .toList();
    }

    private static String outputOf(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
