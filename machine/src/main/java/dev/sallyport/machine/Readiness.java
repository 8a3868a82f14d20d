package dev.sallyport.machine;

import dev.sallyport.agentapi.Health;
import dev.sallyport.diagnosis.Certainty;
import dev.sallyport.diagnosis.Diagnosis;
import dev.sallyport.diagnosis.Evidence;
import dev.sallyport.diagnosis.Subject;
import dev.sallyport.diagnosis.Verdict;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The wait for a machine to be ready: a race between its agent, its own end, what its console and its hypervisor show, and the
 * deadline. All that is seen becomes {@link Evidence}; as soon as a {@link Diagnosis} of it proves that the machine cannot come
 * up, the wait ends with the cause.
 */
public final class Readiness {
    /** A new question is asked so often. */
    private static final Duration EVERY = Duration.ofMillis(200);
    /** One that begins from a template is there in a moment, or not at all. */
    private static final Duration EVERY_OF_TEMPLATE = Duration.ofMillis(10);

    private static final int OFTEN = 300;
    /** How long one question may take. */
    private static final Duration ONE_PROBE = Duration.ofSeconds(4);
    /** How many questions may be open at once: enough that all may hang for their whole time, and one is asked at each interval. */
    private static final int MOST_OPEN = 20;
    /** What a doomed machine says within this time may name its cause better. */
    private static final Duration LAST_WORDS = Duration.ofMillis(1500);
    /** A clock that is further off spoils tokens and certificates. */
    private static final Duration CLOCK_TOLERANCE = Duration.ofMinutes(2);
    /** Evidence that was not judged yet; a console that floods it loses lines, which its log keeps. */
    private static final int MOST_UNJUDGED = 10_000;

    /** What the racers put down. */
    private sealed interface Seen {
        record Proof(Evidence evidence) implements Seen {}

        record Ready(Health health) implements Seen {}

        /** Judged where it was seen. */
        record Failed(Verdict verdict) implements Seen {}
    }

    private final Machine machine;
    private final HealthProbe probe;
    private final Diagnosis diagnosis = new Diagnosis(Subject.AGENT);
    private final BlockingQueue<Seen> seen = new ArrayBlockingQueue<>(MOST_UNJUDGED);
    private @Nullable Verdict verdict;

    /**
     * @param machine the machine
     * @param probe how its agent is asked
     */
    public Readiness(Machine machine, HealthProbe probe) {
        this.machine = machine;
        this.probe = probe;
    }

    /** Waits for {@code machine}, see {@link #await(Duration)}. */
    public static Health await(Machine machine, HealthProbe probe, Duration atMost) throws InterruptedException {
        return new Readiness(machine, probe).await(atMost);
    }

    /**
     * Waits until the machine's agent answers; its parts, such as a desktop, may still be starting then. Once.
     *
     * @param atMost the deadline
     * @return the agent's answer
     * @throws FailureException with the most specific cause that the evidence proves; {@code AGENT_SILENT} with what was seen last
     *     when the deadline passed and nothing says more
     * @throws InterruptedException when the calling thread is interrupted
     */
    public Health await(Duration atMost) throws InterruptedException {
        Console.Following console = machine.console().follow(this::onLine);
        try (ExecutorService racers = Executors.newVirtualThreadPerTaskExecutor()) {
            racers.execute(() -> watchExit(atMost));
            racers.execute(this::watchPulse);
            racers.execute(() -> ask(racers, atMost));
            try {
                return judge(atMost);
            } catch (Decided e) {
                throw new FailureException(e.verdict.cause());
            } finally {
                racers.shutdownNow();
            }
        } finally {
            console.close();
        }
    }

    /** Why the wait failed; empty before it did. */
    public Optional<Verdict> verdict() {
        return Optional.ofNullable(verdict);
    }

    /** Ends the race. */
    private static final class Decided extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient Verdict verdict;

        Decided(Verdict verdict) {
            super(null, null, false, false);
            this.verdict = verdict;
        }
    }

    /** Judges what is seen as it comes, in this thread alone. */
    private Health judge(Duration atMost) throws InterruptedException, Decided {
        long deadline = System.nanoTime() + atMost.toNanos();
        boolean doomed = false;
        while (true) {
            Seen next = seen.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            switch (next) {
                case null -> {
                    if (!doomed) {
                        diagnosis.add(new Evidence.Deadline(Instant.now(), atMost));
                    }
                    throw decided(diagnosis.last());
                }
                case Seen.Ready(Health health) -> {
                    return health;
                }
                case Seen.Failed(Verdict failed) -> throw decided(failed);
                case Seen.Proof(Evidence evidence) -> {
                    diagnosis.add(evidence);
                    if (evidence instanceof Evidence.Exit) {
                        throw decided(diagnosis.last());
                    }
                    Certainty certainty =
                            diagnosis.verdict().map(Verdict::certainty).orElse(Certainty.POSSIBLE);
                    if (certainty == Certainty.PROVEN) {
                        throw decided(diagnosis.last());
                    }
                    if (certainty == Certainty.DOOMED && !doomed) {
                        doomed = true;
                        deadline = Math.min(deadline, System.nanoTime() + LAST_WORDS.toNanos());
                    }
                }
            }
        }
    }

    private Decided decided(Verdict found) {
        verdict = found;
        return new Decided(found);
    }

    /** Called by the thread that reads the console: it must not wait. */
    private void onLine(Instant at, String line) {
        var _ = seen.offer(new Seen.Proof(new Evidence.Line(at, line)));
    }

    private void put(Seen what) {
        try {
            seen.put(what);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The race is over.
        }
    }

    private void watchExit(Duration atMost) {
        try {
            // Its console has ended when this returns, so all of its lines come before it.
            machine.awaitExit(atMost).ifPresent(exit -> put(new Seen.Proof(evidence(exit))));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The race is over.
        }
    }

    private static Evidence evidence(MachineExit exit) {
        Evidence.End end = switch (exit.kind()) {
            case DESTROYED -> Evidence.End.DESTROYED;
            case GUEST_SHUTDOWN -> Evidence.End.GUEST_SHUTDOWN;
            case GUEST_PANIC -> Evidence.End.GUEST_PANIC;
            case HYPERVISOR_FAILED -> exit.exitCode() > 128 ? Evidence.End.KILLED : Evidence.End.FAILED;
        };
        return new Evidence.Exit(Instant.now(), end, exit.exitCode(), exit.evidence());
    }

    private void watchPulse() {
        var watch = new PulseWatch(machine);
        try {
            while (true) {
                watch.look().ifPresent(evidence -> put(new Seen.Proof(evidence)));
                // Nothing announces that nothing happens, so it is looked at in intervals; the end of the race ends
                // this.
                TimeUnit.NANOSECONDS.sleep(PulseWatch.EVERY.toNanos());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The race is over.
        }
    }

    /**
     * Asks again and again, and does not wait for one answer before it asks anew: a connection that is forwarded into a machine
     * that is not up yet may hang for seconds while the agent has long come up.
     */
    private void ask(ExecutorService racers, Duration atMost) {
        var open = new Semaphore(MOST_OPEN);
        long deadline = System.nanoTime() + atMost.toNanos();
        int often = machine.spec().origin() instanceof Origin.FromTemplate ? OFTEN : 0;
        try {
            while (System.nanoTime() < deadline) {
                open.acquire();
                racers.execute(() -> {
                    try {
                        onAnswer(probe.ask(machine.agent(), ONE_PROBE));
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt(); // The race is over.
                    } catch (RuntimeException e) {
                        put(failed(
                                CauseCode.UNKNOWN,
                                "Asking the agent failed within this program.",
                                List.of(e.toString())));
                    } finally {
                        open.release();
                    }
                });
                // Nothing announces an agent that comes up, so it is asked at intervals; the deadline and the other
                // racers end this.
                TimeUnit.NANOSECONDS.sleep((often-- > 0 ? EVERY_OF_TEMPLATE : EVERY).toNanos());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The race is over.
        } catch (RejectedExecutionException e) {
            Thread.currentThread().interrupt(); // The race ended between two questions.
        }
    }

    private void onAnswer(Answer answer) {
        Evidence.Reply reply = switch (answer) {
            case Answer.Healthy(Health health) -> {
                onHealth(health).ifPresent(this::put);
                yield Evidence.Reply.HEALTHY;
            }
            case Answer.Unreachable unreachable -> Evidence.Reply.UNREACHABLE;
            case Answer.Refused refused -> Evidence.Reply.REFUSED;
            case Answer.Closed closed -> Evidence.Reply.CLOSED;
            case Answer.Silent silent -> Evidence.Reply.SILENT;
            case Answer.Wrong wrong -> Evidence.Reply.WRONG;
        };
        if (reply != Evidence.Reply.HEALTHY) {
            put(new Seen.Proof(new Evidence.Answer(Instant.now(), reply, answer.text())));
        }
    }

    private Optional<Seen> onHealth(Health health) {
        // Of a template's machine it is all that is waited for; of one that begins from a template it is what it was
        // before.
        if (health.status().equals(Health.TEMPLATE) && machine.spec().origin() instanceof Origin.FromTemplate) {
            return Optional.empty();
        }
        return Optional.of(judged(health));
    }

    private Seen judged(Health health) {
        String wanted = machine.spec().id().value();
        if (!health.machineId().equals(wanted)) {
            return failed(
                    CauseCode.AGENT_WRONG,
                    "Another machine's agent answered.",
                    List.of("it says that it is " + ConsoleLines.clean(health.machineId()) + ", not " + wanted));
        }
        Optional<Duration> off = Clocks.off(health.timestamp(), Instant.now());
        if (off.isPresent() && off.get().abs().compareTo(CLOCK_TOLERANCE) > 0) {
            return failed(
                    CauseCode.CLOCK_WRONG,
                    "It is " + Clocks.words(off.get()) + " its host's.",
                    List.of(
                            "the agent's clock: " + ConsoleLines.clean(health.timestamp()),
                            "the host's clock: " + Instant.now()));
        }
        Optional<Evidence> broken = health.parts().entrySet().stream()
                .filter(part -> String.valueOf(part.getValue()).startsWith("failed"))
                .<Evidence>map(part -> new Evidence.FailedPart(
                        Instant.now(), part.getKey(), ConsoleLines.clean(part.getKey() + ": " + part.getValue())))
                .findFirst();
        // A desktop that is still starting is no reason to wait: a sign-in's command starts meanwhile.
        return broken.<Seen>map(Seen.Proof::new).orElseGet(() -> new Seen.Ready(health));
    }

    private static Seen failed(CauseCode code, String detail, List<String> evidence) {
        return new Seen.Failed(new Verdict(new Cause(code, detail, evidence), Certainty.PROVEN, Instant.now()));
    }
}
