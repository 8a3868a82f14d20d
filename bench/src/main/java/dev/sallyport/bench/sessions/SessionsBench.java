package dev.sallyport.bench.sessions;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.bench.BenchOptions;
import dev.sallyport.bench.Benchmark;
import dev.sallyport.bench.Measure;
import dev.sallyport.bench.load.OpenLoop;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Holds more and more live sessions on one controller with a heap of 1 GB, and measures at each level how soon it answers and
 * what a session costs; then ends them all, and looks for what is left. Machines and their agents are simulated.
 */
public final class SessionsBench implements Benchmark {
    private static final int[] LEVELS = {100, 1000, 3000, 10_000};
    private static final int QUICK = 1000;
    /** So slowly are sessions started that make up for others that failed. */
    private static final double AGAIN_PER_SECOND = 30;

    private static final int AGAIN_AT_MOST = 5;

    /**
     * How long each part of a level takes, in seconds, how the program is warmed up before the first, and how long what was ended then
     * has to wind down: rates of starts are remembered for a minute. Readers who left are forgotten within twice ten seconds.
     */
    private record Pace(
            int idleSeconds, int readSeconds, int warmUpSessions, int readersGoneSeconds, int windDownSeconds) {
        static final Pace WHOLE = new Pace(20, 20, 300, 21, 75);
        static final Pace QUICK = new Pace(4, 4, 60, 0, 5);
    }

    @Override
    public String name() {
        return "sessions";
    }

    @Override
    public List<Measure> run(BenchOptions options, PrintStream out) throws IOException, InterruptedException {
        out.println("sessions: live sessions on one controller with a heap of 1 GB; machines are simulated");
        Pace pace = options.quick() ? Pace.QUICK : Pace.WHOLE;
        int[] levels = levels(options);
        var results = new SessionsResults(options, levels[levels.length - 1]);
        try (Setup setup = Setup.open(options);
                var load = new Load(setup)) {
            try {
                warmUp(load, pace, options, out);
                results.none(level(setup, load, 0, 0, pace, options, false));
                climb(setup, load, levels, pace, options, results, out);
            } catch (FailureException e) {
                brokenOff(e, results, out);
            }
            out.println("  ending all sessions, half completed, half cancelled ...");
            try {
                end(setup, load, options, results);
                if (!load.failures().isEmpty()) {
                    out.println("  sessions that failed, by cause: " + load.failures());
                }
            } catch (FailureException e) {
                brokenOff(e, results, out);
            }
        }
        results.print(out);
        results.write();
        out.println("Written to " + options.documents());
        return results.measures();
    }

    private static void climb(
            Setup setup,
            Load load,
            int[] levels,
            Pace pace,
            BenchOptions options,
            SessionsResults results,
            PrintStream out)
            throws IOException, InterruptedException {
        int live = 0;
        for (int target : levels) {
            boolean highest = target == levels[levels.length - 1];
            Level level = level(setup, load, live, target, pace, options, highest && options.profile());
            results.add(level);
            out.println("  " + results.progress());
            live = target;
            if (level.sessions() < target) {
                out.println("  " + target + " sessions could not be reached; no higher level is tried");
                return;
            }
        }
    }

    private static void brokenOff(FailureException why, SessionsResults results, PrintStream out) {
        results.failed(why);
        out.println(
                "  broken off: " + why.reason().message() + " " + why.reason().evidence());
    }

    private static void warmUp(Load load, Pace pace, BenchOptions options, PrintStream out)
            throws InterruptedException {
        out.println("  warming up with " + pace.warmUpSessions() + " sessions ...");
        load.start(AGAIN_PER_SECOND, pace.warmUpSessions());
        load.settle();
        load.read(options.readsPerSecond(), pace.readSeconds());
        load.end(AGAIN_PER_SECOND);
        load.warmedUp();
        // Nothing tells that all of it has been forgotten.
        Thread.sleep(pace.windDownSeconds() * 1000L);
    }

    private static Level level(
            Setup setup, Load load, int live, int target, Pace pace, BenchOptions options, boolean profile)
            throws IOException, InterruptedException {
        if (profile) {
            setup.record();
        }
        Setup.Used first = setup.used();
        OpenLoop.Outcome starts = load.start(options.startsPerSecond(), target - live);
        long last = System.nanoTime();
        int now = load.settle();
        double settled = (System.nanoTime() - last) / 1e9;
        Setup.Used up = setup.used();
        double transactions = (up.transactions() - first.transactions()) / (double) Math.max(1, target - live);
        int again = 0;
        for (int round = 0; now < target && round < AGAIN_AT_MOST; round++) {
            again += target - now;
            load.start(AGAIN_PER_SECOND, target - now);
            now = load.settle();
        }
        if (profile) {
            setup.recorded("starts");
            setup.record();
        }
        Setup.Used before = setup.used();
        Thread.sleep(pace.idleSeconds() * 1000L);
        Setup.Used rested = setup.used();
        Level.Spent idle = before.until(rested);
        OpenLoop.Outcome reads =
                target == 0 ? OpenLoop.run(1, 0, index -> {}) : load.read(options.readsPerSecond(), pace.readSeconds());
        Level.Spent busy = rested.until(setup.used());
        // A reader of a timeline who left is noticed by the second comment that is sent after it.
        Thread.sleep(pace.readersGoneSeconds() * 1000L);
        // Only now: a collection of all that is asked for upsets how the collector plans the next ones, which readers
        // would wait for.
        Level.Memory memory = setup.memory();
        if (profile) {
            setup.recorded("held");
        }
        var started = new Level.Started(starts, transactions, first.until(up), settled, again);
        return new Level(now, started, load.failures(), idle, reads, busy, memory);
    }

    private static void end(Setup setup, Load load, BenchOptions options, SessionsResults results)
            throws InterruptedException {
        OpenLoop.Outcome ends = load.end(options.startsPerSecond() / 2.0);
        JsonNode left = setup.ask("left");
        var ended = new SessionsResults.Ended(
                ends.failed(),
                load.notCompleted(),
                left.path("things").asInt(),
                left.path("machines").asInt(),
                left.path("resources").asInt(),
                left.path("sessions").asInt(),
                left.path("timers").asInt());
        results.ended(ended);
    }

    private static int[] levels(BenchOptions options) {
        int top = options.sessions() > 0 ? options.sessions() : options.quick() ? QUICK : LEVELS[LEVELS.length - 1];
        return IntStream.concat(IntStream.of(LEVELS).filter(level -> level < top), IntStream.of(top))
                .toArray();
    }
}
