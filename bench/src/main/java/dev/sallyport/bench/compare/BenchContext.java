package dev.sallyport.bench.compare;

import dev.sallyport.bench.BenchOptions;
import java.io.IOException;
import java.io.PrintStream;

/**
 * What a benchmark is run with.
 *
 * @param options what is chosen
 * @param out for people
 * @param report what is written down
 */
public record BenchContext(BenchOptions options, PrintStream out, Report report) {
    /** Says how far it is. */
    public void progress(String line) {
        out.println("  " + line);
    }

    /** {@code whole}, or {@code quick} in a quick run. */
    public int count(int whole, int quick) {
        return options.quick() ? quick : whole;
    }

    /** Writes a benchmark's section down, in place of that of an earlier run. */
    public void section(Section section) throws IOException {
        report.write(section);
    }
}
