package dev.sallyport.bench.compare;

import dev.sallyport.bench.Measure;
import java.io.IOException;
import java.util.List;

/** One benchmark of {@code ./sallyport bench}. */
public interface Bench {
    /** As written on the command line. */
    String name();

    /**
     * Runs it, says how far it is, tells its {@link Section} to the context, and removes what it made.
     *
     * @return its figures, those that missed their goals too
     */
    List<Measure> run(BenchContext context) throws IOException, InterruptedException;
}
