package dev.sallyport.bench.compare;

import dev.sallyport.bench.Benchmark;
import dev.sallyport.bench.Measure;
import java.io.IOException;
import java.util.List;

/**
 * A benchmark that writes a document of its own, which the report points at.
 *
 * @param benchmark it
 * @param title in words
 * @param method in Markdown, with a link to its document
 */
public record OwnDocument(Benchmark benchmark, String title, String method) implements Bench {
    @Override
    public String name() {
        return benchmark.name();
    }

    @Override
    public List<Measure> run(BenchContext context) throws IOException, InterruptedException {
        List<String> host = HostState.lines();
        List<Measure> measures = benchmark.run(context.options(), context.out());
        context.section(new Section(name(), title, method, measures, List.of(), host));
        return measures;
    }
}
