package dev.sallyport.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.bench.compare.Bench;
import dev.sallyport.bench.compare.BenchContext;
import dev.sallyport.bench.compare.OwnDocument;
import dev.sallyport.bench.compare.Report;
import dev.sallyport.bench.images.ImagesBench;
import dev.sallyport.bench.machines.MachinesBench;
import dev.sallyport.bench.relay.RelayBench;
import dev.sallyport.bench.sessions.SessionsBench;
import dev.sallyport.cli.Verb;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./sallyport bench}: runs the benchmarks; its status is 1 when a goal was missed. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Runs the benchmarks, all or those named. The status is 1 when a goal was missed.")
public final class BenchVerb implements Verb {
    /** In the order in which they run. A new one has its line here. */
    private static final List<Bench> ALL = List.of(
            new MachinesBench(),
            new ImagesBench(),
            new RelayBench(),
            new OwnDocument(
                    new SessionsBench(),
                    "Live sessions on one controller",
                    "On simulated machines; how, and what a session costs: [sessions.md](sessions.md)."));

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it calls the verb.
    private CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "NAME", description = "benchmarks: machines, images, relay, sessions")
    private List<String> names = List.of();

    @Option(names = "--json", description = "the last line is an array of all measures")
    private boolean json;

    @Option(names = "--quick", description = "few sessions, for seconds: whether it works, not how fast")
    private boolean quick;

    @Option(names = "--sessions", paramLabel = "N", description = "the highest number of live sessions")
    private int sessions;

    @Option(
            names = "--start-rate",
            paramLabel = "N",
            description = "sessions started a second (default: ${DEFAULT-VALUE})")
    private int startRate = 200;

    @Option(
            names = "--read-rate",
            paramLabel = "N",
            description = "reads a second while sessions are held (default: ${DEFAULT-VALUE})")
    private int readRate = 300;

    @Option(names = "--profile", description = "keep a flight recording of the controller at the highest level")
    private boolean profile;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (sessions < 0 || sessions > 100_000 || startRate < 1 || readRate < 1) {
            throw wrong("--sessions, --start-rate and --read-rate take numbers from 1, --sessions at most 100000");
        }
        List<Bench> chosen = chosen();
        var options = new BenchOptions(Folders.ofThisProcess(), quick, sessions, startRate, readRate, profile);
        PrintStream out = System.out;
        List<Measure> measures = new ArrayList<>();
        var context = new BenchContext(options, out, new Report(options.documents()));
        for (Bench benchmark : chosen) {
            measures.addAll(benchmark.run(context));
        }
        print(measures, out);
        out.println("Written to " + context.report().document());
        if (json) {
            out.println(new ObjectMapper().writeValueAsString(measures));
        }
        return measures.stream().allMatch(Measure::met) ? 0 : 1;
    }

    private static void print(List<Measure> measures, PrintStream out) {
        out.println();
        for (Measure measure : measures) {
            out.printf(
                    Locale.ROOT,
                    "  %-6s %s: %.2f %s (%s%s)%n",
                    measure.met() ? "met" : "MISSED",
                    measure.measure(),
                    measure.ours(),
                    measure.unit(),
                    measure.goal(),
                    measure.ratio() == null ? "" : String.format(Locale.ROOT, ", is %.2f", measure.ratio()));
        }
    }

    private List<Bench> chosen() {
        List<Bench> chosen = ALL.stream()
                .filter(one -> names.isEmpty() || names.contains(one.name()))
                .toList();
        String known = ALL.stream().map(Bench::name).collect(Collectors.joining(", "));
        names.stream()
                .filter(name -> ALL.stream().noneMatch(one -> one.name().equals(name)))
                .findFirst()
                .ifPresent(name -> {
                    throw wrong("there is no benchmark '" + name + "'; there are " + known);
                });
        return chosen;
    }

    private CommandLine.ParameterException wrong(String text) {
        return new CommandLine.ParameterException(spec.commandLine(), text);
    }
}
