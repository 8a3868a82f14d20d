package dev.sallyport.bench.compare;

import dev.sallyport.bench.Measure;
import java.util.List;

/**
 * A benchmark's part of the report.
 *
 * @param name of the benchmark
 * @param title in words
 * @param method how it is measured, in Markdown
 * @param measures with their goals
 * @param comparisons whose spread is shown, each also as a plot
 * @param host what it ran on, taken when it began
 */
public record Section(
        String name,
        String title,
        String method,
        List<Measure> measures,
        List<Comparison> comparisons,
        List<String> host) {}
