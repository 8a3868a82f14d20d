package dev.sallyport.bench.compare;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sallyport.bench.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The benchmarks' document: {@code README.md} with all measures and a section for each benchmark, its plots, and in {@code data/} what it is
 * made of, so that a benchmark that runs alone changes its own section only.
 */
public final class Report {
    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Path folder;

    /** @param folder where the document is, or will be */
    public Report(Path folder) {
        this.folder = folder;
    }

    /** Where the document is. */
    public Path document() {
        return folder.resolve("README.md");
    }

    /** Writes a section, and the document anew. */
    public void write(Section section) throws IOException {
        Path data = Files.createDirectories(folder.resolve("data"));
        JSON.writeValue(data.resolve(section.name() + ".json").toFile(), section);
        int number = 1;
        for (Comparison comparison : section.comparisons()) {
            Files.writeString(folder.resolve(plot(section, number++)), SpreadPlot.of(comparison));
        }
        Files.writeString(document(), document(sections(data)));
    }

    private static List<Section> sections(Path data) throws IOException {
        List<Section> sections = new ArrayList<>();
        try (var files = Files.list(data)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".json"))
                    .sorted()
                    .toList()) {
                sections.add(JSON.readValue(file.toFile(), Section.class));
            }
        }
        return sections;
    }

    private static String document(List<Section> sections) {
        var text = new StringBuilder("""
                # Benchmarks

                Written by `./sallyport bench`, which anybody can run again; `./sallyport bench NAME` runs one. Two things that are compared
                are measured in turn, A B A B …; a ratio is the median of the ratios of the pairs. Goals that were missed are shown.

                | | measure | ours | compared with | ratio | goal |
                |---|---|--:|--:|--:|---|
                """);
        for (Section section : sections) {
            section.measures().forEach(measure -> text.append(row(measure)));
        }
        for (Section section : sections) {
            text.append("\n## ")
                    .append(section.title())
                    .append("\n\n")
                    .append(section.method().strip())
                    .append("\n\n");
            section.host().forEach(line -> text.append("- ").append(line).append('\n'));
            if (!section.comparisons().isEmpty()) {
                text.append("\n| | | median | quartiles | range | samples |\n|---|---|--:|--:|--:|--:|\n");
                section.comparisons().forEach(comparison -> text.append(comparison.rows()));
            }
            for (int i = 1; i <= section.comparisons().size(); i++) {
                text.append("\n![")
                        .append(section.comparisons().get(i - 1).measure())
                        .append("](")
                        .append(plot(section, i))
                        .append(")\n");
            }
        }
        return text.toString();
    }

    private static String row(Measure measure) {
        return "| " + (measure.met() ? "met" : "**missed**") + " | " + measure.measure() + " | "
                + Comparison.number(measure.ours()) + " " + measure.unit() + " | " + number(measure.reference()) + " | "
                + number(measure.ratio()) + " | " + measure.goal() + " |\n";
    }

    private static String number(@Nullable Double value) {
        return value == null ? "" : Comparison.number(value);
    }

    private static String plot(Section section, int number) {
        return section.name() + "-" + number + ".svg";
    }
}
