package dev.sallyport.bench.relay;

import dev.sallyport.bench.Measure;
import dev.sallyport.bench.compare.Bench;
import dev.sallyport.bench.compare.BenchContext;
import dev.sallyport.bench.compare.Comparison;
import dev.sallyport.bench.compare.HostState;
import dev.sallyport.bench.compare.Pairs;
import dev.sallyport.bench.compare.Section;
import dev.sallyport.bench.process.Child;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The relay of screens against websockify: bytes for each second of processor time, and what it adds to a small message's round trip. */
public final class RelayBench implements Bench {
    private static final double GOAL_THROUGHPUT = 5;
    private static final double GOAL_LATENCY = 0.5;
    private static final int MANY = 4;
    private static final String REFERENCE = "websockify";

    private static final String METHOD = """
            A source sends whole frames of 1280 × 720 × 4 bytes as fast as they are taken, or sends back what it gets. One viewer, which looks at
            nothing but WebSocket heads, is connected to it through our relay, then through websockify (Debian's package, as it comes), and so on in
            turn. Our relay is the controller's own in a JVM of its own: ticket, Jetty, upgrade at the machine's stream port (played by the source,
            in its own process). websockify gets the same bytes from a plain port of the source. Source, relays and viewers share the
            machine below. Processor time is that of the relaying processes alone, as the kernel counts it. The latency is the median of a
            connection's round trips of 16 bytes less that of the same straight to the source, taken right before.

            What bounds our relay: no copy is left on the way of the bytes, and a message costs one wait, one read and one write each way. By a profile, most
            of what remains is the kernel's: TCP for each segment of 64 KiB, waking the process at its other end, being scheduled on a busy host. Every relay over
            two sockets pays that, and two more wake-ups for a round trip. Tried by a loop of system calls alone, on the same host: pieces of 64 KiB, read and
            written, 2,300 MB for a second of processor time; of 256 KiB 3,000, of 1 MiB 4,100, of 4 MiB 4,700; spliced, of 1 MiB, 4,700. So some twice
            what websockify does is all that there is to be had.
            """;

    /** How much is measured. */
    private record Pace(int pairs, double seconds, int roundTrips, int warmUps) {}

    @Override
    public String name() {
        return "relay";
    }

    @Override
    public List<Measure> run(BenchContext context) throws IOException, InterruptedException {
        context.out().println("relay: the relay of screens against websockify");
        List<String> host = HostState.lines();
        Path logs = Files.createDirectories(context.options().work());
        Websockify.install(logs.resolve("websockify-install.log"), context.out());
        var pace = new Pace(
                context.count(11, 2), context.count(2000, 400) / 1000.0, context.count(3000, 400), context.count(4, 1));
        try (Child source = Child.start(
                        "source", SourceProcess.class, List.of(), logs.resolve("relay-source.log"), List.of());
                OurRelay ours = OurRelay.start(source.first().path("upgraded").asInt(), logs.resolve("relay.log"));
                Websockify reference =
                        Websockify.start(source.first().path("plain").asInt(), logs.resolve("websockify.log"))) {
            var straight = new Straight(source.first().path("plain").asInt());
            context.progress("warming up ...");
            // The virtual machine compiles what runs often, in processor time of its own.
            for (int i = 0; i < pace.warmUps(); i++) {
                for (Way way : List.of(ours, reference, straight)) {
                    Throughput.perCpuSecond(way, MANY, pace.seconds());
                    RoundTrips.micros(way, pace.roundTrips());
                }
            }
            Comparison one = throughput(context, pace, ours, reference, 1);
            Comparison many = throughput(context, pace, ours, reference, MANY);
            Comparison latency = latency(context, pace, ours, reference, straight);
            List<Measure> measures =
                    List.of(one.atLeast(GOAL_THROUGHPUT), many.atLeast(GOAL_THROUGHPUT), latency.atMost(GOAL_LATENCY));
            context.section(new Section(
                    name(),
                    "The relay of screens against websockify",
                    METHOD,
                    measures,
                    List.of(one, many, latency),
                    host));
            return measures;
        }
    }

    private static Comparison throughput(BenchContext context, Pace pace, Way ours, Way reference, int viewers)
            throws IOException, InterruptedException {
        String who = viewers == 1 ? "one viewer" : viewers + " viewers";
        Pairs pairs = Pairs.take(
                pace.pairs(),
                () -> Throughput.perCpuSecond(ours, viewers, pace.seconds()),
                () -> Throughput.perCpuSecond(reference, viewers, pace.seconds()),
                taken -> context.progress("throughput, " + who + ": " + taken + " of " + pace.pairs() + " pairs"));
        return new Comparison("screen relayed for a second of processor time, " + who, "MB", REFERENCE, pairs);
    }

    private static Comparison latency(BenchContext context, Pace pace, Way ours, Way reference, Way straight)
            throws IOException, InterruptedException {
        Pairs pairs = Pairs.take(
                pace.pairs(),
                () -> added(ours, straight, pace.roundTrips()),
                () -> added(reference, straight, pace.roundTrips()),
                taken -> context.progress("latency: " + taken + " of " + pace.pairs() + " pairs"));
        return new Comparison("added to the round trip of a small message", "µs", REFERENCE, pairs);
    }

    private static double added(Way way, Way straight, int count) throws IOException {
        double without = RoundTrips.micros(straight, count).median();
        return RoundTrips.micros(way, count).median() - without;
    }

    /** With nothing between. */
    private record Straight(int port) implements Way {
        @Override
        public Wire open() throws IOException {
            return TcpWire.open(port);
        }

        @Override
        public double cpuSeconds() {
            return 0;
        }
    }
}
