package dev.sallyport.bench.images;

import dev.sallyport.bench.HostDescription;
import dev.sallyport.bench.Measure;
import dev.sallyport.bench.compare.Bench;
import dev.sallyport.bench.compare.BenchContext;
import dev.sallyport.bench.compare.Samples;
import dev.sallyport.bench.compare.Section;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.build.BuildInputs;
import dev.sallyport.image.build.ImageBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/** Both images from nothing, and again after the agent has changed. */
public final class ImagesBench implements Bench {
    private static final List<String> RECIPES = List.of("browser", "cli");
    private static final Path AGENT = Path.of("agent", "target", "app");
    private static final String METHOD = """
            Both images are built into an empty cache, once, with all that is fetched for them; then again, several times, each time after
            another jar was put beside the agent's own.
            """;

    @Override
    public String name() {
        return "images";
    }

    @Override
    public List<Measure> run(BenchContext context) throws IOException, InterruptedException {
        if (context.options().quick()) {
            context.progress("left out of a quick run: building both images from nothing takes minutes");
            return List.of();
        }
        Path installed = context.options().folders().home();
        Path work = Files.createDirectories(context.options().folders().cache().resolve("bench-images"));
        remove(work);
        Path home = Files.createDirectories(work.resolve("home"));
        Path agent = Files.createDirectories(home.resolve(AGENT));
        try (Stream<Path> jars = Files.list(installed.resolve(AGENT))) {
            for (Path jar : jars.toList()) {
                Files.copy(jar, agent.resolve(jar.getFileName()));
            }
        }
        Files.createSymbolicLink(home.resolve("provider"), installed.resolve("provider"));
        try {
            var builder = new ImageBuilder(
                    ImageStore.open(Files.createDirectories(work.resolve("cache"))),
                    new BuildInputs(home, Path.of(System.getProperty("java.home"))),
                    step -> {});
            context.progress("both images from nothing ...");
            double whole = timed(builder);
            List<Double> again = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                change(agent.resolve("changed.jar"), i);
                again.add(timed(builder));
            }
            double median = new Samples(again).median();
            List<Measure> measures = List.of(
                    Measure.atMost("both images after a changed agent", "s", median, 10),
                    Measure.ratioAtMost(
                            "both images after a changed agent, against from nothing", "s", median, whole, 0.1));
            context.section(new Section(name(), "Images", METHOD, measures, List.of(), HostDescription.lines()));
            return measures;
        } finally {
            remove(work);
        }
    }

    private static double timed(ImageBuilder builder) throws InterruptedException {
        long began = System.nanoTime();
        builder.build(RECIPES);
        return (System.nanoTime() - began) / 1e9;
    }

    private static void change(Path jar, int number) throws IOException {
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new JarEntry("changed.txt"));
            out.write(Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
            out.closeEntry();
        }
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder())
                    .filter(file -> !file.equals(folder))
                    .toList()) {
                Files.delete(file);
            }
        }
    }
}
