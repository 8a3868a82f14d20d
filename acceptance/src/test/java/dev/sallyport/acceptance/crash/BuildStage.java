package dev.sallyport.acceptance.crash;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.Layer;
import dev.sallyport.image.StoredFile;
import dev.sallyport.model.Folders;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A cache of its own for {@link ImageBuildProcess}. What takes minutes to make is linked in from the product's: the kernel, the root, and
 * Debian's packages; what is struck at is made anew.
 */
final class BuildStage {
    private static final Pattern LINKED = Pattern.compile("(kernel|kernel-parts|root-cli|node)-[0-9a-f]{64}\\.json");
    private static final Pattern DIGEST = Pattern.compile("\"digest\" : \"([0-9a-f]{64})\"");

    private final Path cache;
    private final Path log;

    private BuildStage(Path cache, Path log) {
        this.cache = cache;
        this.log = log;
    }

    static BuildStage open(Path cache, Path log) throws IOException {
        Path product = Folders.ofThisProcess().cache();
        ImageStore.open(cache);
        try (Stream<Path> keys = Files.list(product.resolve("images/keys"))) {
            for (Path key : keys.toList()) {
                String name = key.getFileName().toString();
                Matcher digest = DIGEST.matcher(Files.readString(key));
                if (LINKED.matcher(name).matches() && digest.find()) {
                    Path file = Path.of("images/files").resolve(digest.group(1));
                    Files.copy(key, cache.resolve("images/keys").resolve(name));
                    link(product.resolve(file), cache.resolve(file));
                }
            }
        }
        Path archives = product.resolve("downloads/apt");
        if (Files.isDirectory(archives)) {
            Files.createDirectories(cache.resolve("downloads/apt"));
            try (Stream<Path> packages = Files.list(archives)) {
                for (Path file : packages.toList()) {
                    link(file, cache.resolve("downloads/apt").resolve(file.getFileName()));
                }
            }
        }
        return new BuildStage(cache, log);
    }

    private static void link(Path from, Path to) throws IOException {
        if (!Files.exists(to)) {
            Files.createLink(to, from);
        }
    }

    /** An image that the alias points at before anything is built: the root alone, which no build makes. */
    Image promoteAnother() throws IOException {
        ImageStore store = ImageStore.open(cache);
        Image product =
                ImageStore.open(Folders.ofThisProcess().cache()).current("cli").orElseThrow();
        Layer root = product.layers().getFirst();
        Image before = store.save(
                "cli",
                stored("kernel", product.kernel(), Map.of()),
                stored("kernel", product.kernel(), Map.of()),
                List.of(stored(
                        root.name(), root.file(), Map.of("uuid", root.uuid().toString()))),
                List.of());
        store.promote(before);
        return before;
    }

    private static StoredFile stored(String name, Path file, Map<String, String> notes) throws IOException {
        return new StoredFile(name, "", file.getFileName().toString(), file, Files.size(file), notes);
    }

    ImageStore store() {
        return ImageStore.open(cache);
    }

    /**
     * What one life of a builder said.
     *
     * @param status how it ended
     * @param lines its standard output
     */
    record Life(int status, List<String> lines) {
        /** What it found of those before it. */
        List<String> left() {
            return lines.stream().filter(line -> line.startsWith("LEFT ")).toList();
        }

        /** The parts that it worked on. */
        Set<String> made() {
            Set<String> parts = new HashSet<>();
            lines.stream()
                    .filter(line -> line.startsWith("RUNNING "))
                    .forEach(line -> parts.add(line.split(" ", 3)[1]));
            return parts;
        }
    }

    /**
     * Lets a builder live until it ends or dies.
     *
     * @param arguments for {@link ImageBuildProcess}, beyond the cache and home
     * @param kill when true of a line, it is killed
     */
    Life live(Map<String, String> arguments, Predicate<String> kill) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ImageBuildProcess.class.getName(),
                "cache=" + cache,
                "home=" + Folders.ofThisProcess().home()));
        arguments.forEach((name, value) -> command.add(name + "=" + value));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        List<String> lines = new ArrayList<>();
        try (var said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = said.readLine(); line != null; line = said.readLine()) {
                lines.add(line);
                if (kill.test(line)) {
                    // By its handle: the process's own method would close what is being read.
                    process.toHandle().destroyForcibly();
                }
            }
        } finally {
            process.destroyForcibly();
        }
        return new Life(process.waitFor(), lines);
    }
}
