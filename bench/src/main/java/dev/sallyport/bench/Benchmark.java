package dev.sallyport.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;

/** One benchmark of {@code ./sallyport bench}. */
public interface Benchmark {
    /** As written on the command line. */
    String name();

    /**
     * Runs it, prints how far it is and what came of it, and removes what it made.
     *
     * @param out for people
     * @return its figures, those that missed their goals too
     */
    List<Measure> run(BenchOptions options, PrintStream out) throws IOException, InterruptedException;
}
