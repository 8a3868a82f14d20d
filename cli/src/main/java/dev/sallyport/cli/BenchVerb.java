package dev.sallyport.cli;

import picocli.CommandLine.Command;

/** {@code ./sallyport bench}: the benchmarks, of which there are none yet. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Runs the benchmarks. There are none yet: see docs/ROADMAP.md.")
public final class BenchVerb implements Verb {
    @Override
    public Integer call() {
        System.out.println("There are no benchmarks yet; docs/ROADMAP.md says what is planned.");
        return 0;
    }
}
