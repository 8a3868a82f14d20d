package dev.sallyport.bench.machines;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs {@code ./sallyport demo} as anybody would. */
final class Demo {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Folders folders;

    /** @param folders where the product lies */
    Demo(Folders folders) {
        this.folders = folders;
    }

    /**
     * Signs in once.
     *
     * @param ahead whether there are templates and a pool
     * @return milliseconds from the request until both machines were there
     * @throws IOException when the sign-in did not complete
     */
    double machines(boolean ahead) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(folders.home().resolve("sallyport").toString(), "demo", "--json"));
        if (!ahead) {
            command.add("--no-templates");
        }
        Path log = Files.createDirectories(folders.home().resolve("target").resolve("bench"))
                .resolve("demo.log");
        Process demo = new ProcessBuilder(command).redirectError(log.toFile()).start();
        List<String> lines = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        if (demo.waitFor() != 0 || lines.isEmpty()) {
            throw new IOException("the demo did not complete; its log is " + log);
        }
        JsonNode told = JSON.readTree(lines.getLast());
        return Math.max(
                first(told, "session.vm_created"),
                Math.max(first(told, "cli.agent_ready"), first(told, "cli.claimed")));
    }

    private static long first(JsonNode told, String step) {
        for (JsonNode event : told.path("timeline")) {
            if (event.path("step").asText().equals(step)) {
                return event.path("at_ms").asLong();
            }
        }
        return 0;
    }
}
