package dev.sallyport.machine;

import dev.sallyport.agentapi.Health;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The wait for a machine to be ready: a race between its agent, its own end, its console's evidence and the deadline. Whoever
 * speaks first decides.
 */
public final class Readiness {
    /** A new question is asked so often. */
    private static final Duration EVERY = Duration.ofMillis(200);
    /** How long one question may take. */
    private static final Duration ONE_PROBE = Duration.ofSeconds(4);
    /** How many questions may be open at once: enough that all may hang for their whole time, and one is asked at each interval. */
    private static final int MOST_OPEN = 20;
    /** After a fatal line the machine has so long to end by itself, so that the lines after it are evidence too. */
    private static final Duration LAST_WORDS = Duration.ofMillis(1500);

    private static final int EVIDENCE_LINES = 15;

    /** What one of the racers found. */
    private sealed interface Verdict {
        record Ready(Health health) implements Verdict {}

        record Failed(CauseCode code, String detail, List<String> evidence) implements Verdict {}

        record Fatal(ConsoleEvidence.Finding finding) implements Verdict {}

        record Exited(MachineExit exit) implements Verdict {}
    }

    private final Machine machine;
    private final HealthProbe probe;
    private final LinkedBlockingQueue<Verdict> verdicts = new LinkedBlockingQueue<>();
    private final AtomicReference<@Nullable Answer> lastSeen = new AtomicReference<>();
    private final Map<String, Integer> seen = new TreeMap<>();

    private Readiness(Machine machine, HealthProbe probe) {
        this.machine = machine;
        this.probe = probe;
    }

    /**
     * Waits until the machine's agent answers; its parts, such as a desktop, may still be starting then.
     *
     * @param machine the machine
     * @param probe how its agent is asked
     * @param atMost the deadline
     * @return the agent's answer
     * @throws FailureException with the most specific cause and its evidence: what the initramfs named, {@code KERNEL_PANIC},
     *     {@code OUT_OF_MEMORY}, {@code MACHINE_ENDED}, {@code HYPERVISOR_FAILED}, {@code AGENT_WRONG}, {@code AGENT_MISSING},
     *     {@code AGENT_FAILED}, {@code PART_FAILED} when it says so itself, or {@code AGENT_SILENT} with what was seen last
     * @throws InterruptedException when the calling thread is interrupted
     */
    public static Health await(Machine machine, HealthProbe probe, Duration atMost) throws InterruptedException {
        return new Readiness(machine, probe).race(atMost);
    }

    private Health race(Duration atMost) throws InterruptedException {
        Verdict first;
        try (ExecutorService racers = Executors.newVirtualThreadPerTaskExecutor()) {
            racers.execute(() -> watchExit(atMost));
            racers.execute(() -> watchConsole(atMost));
            racers.execute(() -> ask(racers, atMost));
            try {
                first = verdicts.poll(atMost.toNanos(), TimeUnit.NANOSECONDS);
            } finally {
                racers.shutdownNow();
            }
        }
        if (first == null) {
            throw timedOut(atMost);
        }
        return switch (first) {
            case Verdict.Ready(Health health) -> health;
            case Verdict.Failed(CauseCode code, String detail, List<String> evidence) ->
                throw new FailureException(new Cause(code, detail, evidence));
            case Verdict.Fatal(ConsoleEvidence.Finding finding) -> {
                machine.awaitExit(LAST_WORDS);
                throw fatal(finding);
            }
            case Verdict.Exited(MachineExit exit) -> throw exited(exit);
        };
    }

    private void watchExit(Duration atMost) {
        try {
            machine.awaitExit(atMost).ifPresent(exit -> verdicts.add(new Verdict.Exited(exit)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The race is over.
        }
    }

    private void watchConsole(Duration atMost) {
        try {
            machine.console()
                    .awaitLine(line -> ConsoleEvidence.fatal(line).isPresent(), atMost)
                    .flatMap(ConsoleEvidence::fatal)
                    .ifPresent(finding -> verdicts.add(new Verdict.Fatal(finding)));
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
        try {
            while (System.nanoTime() < deadline) {
                open.acquire();
                racers.execute(() -> {
                    try {
                        judge(probe.ask(machine.agent(), ONE_PROBE));
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt(); // The race is over.
                    } catch (RuntimeException e) {
                        verdicts.add(new Verdict.Failed(
                                CauseCode.UNKNOWN,
                                "Asking the agent failed within this program.",
                                List.of(e.toString())));
                    } finally {
                        open.release();
                    }
                });
                // Nothing announces an agent that comes up, so it is asked at intervals; the deadline and the other
                // racers end this.
                TimeUnit.NANOSECONDS.sleep(EVERY.toNanos());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The race is over.
        } catch (RejectedExecutionException e) {
            Thread.currentThread().interrupt(); // The race ended between two questions.
        }
    }

    private void judge(Answer answer) {
        lastSeen.set(answer);
        synchronized (seen) {
            seen.merge(answer.getClass().getSimpleName().toLowerCase(Locale.ROOT), 1, Integer::sum);
        }
        if (answer instanceof Answer.Wrong wrong) {
            verdicts.add(new Verdict.Failed(
                    CauseCode.AGENT_WRONG, "Something else answered on the agent's port.", List.of(wrong.text())));
        }
        if (answer instanceof Answer.Healthy(Health health)) {
            judge(health);
        }
    }

    private void judge(Health health) {
        String wanted = machine.spec().id().value();
        if (!health.machineId().equals(wanted)) {
            verdicts.add(new Verdict.Failed(
                    CauseCode.AGENT_WRONG,
                    "Another machine's agent answered.",
                    List.of("it says that it is " + ConsoleLines.clean(health.machineId()) + ", not " + wanted)));
            return;
        }
        List<String> failed = health.parts().entrySet().stream()
                .filter(part -> String.valueOf(part.getValue()).startsWith("failed"))
                .map(part -> part.getKey() + ": " + part.getValue())
                .toList();
        if (!failed.isEmpty()) {
            verdicts.add(new Verdict.Failed(
                    CauseCode.PART_FAILED, "The agent says: " + String.join("; ", failed), withConsole(failed)));
        } else {
            // A desktop that is still starting is no reason to wait: a sign-in's command starts meanwhile.
            verdicts.add(new Verdict.Ready(health));
        }
    }

    private FailureException fatal(ConsoleEvidence.Finding finding) {
        return new FailureException(new Cause(finding.code(), finding.detail(), around(finding.line())));
    }

    private FailureException exited(MachineExit exit) {
        List<String> lines = machine.console().lastLines(200);
        Optional<ConsoleEvidence.Finding> finding = ConsoleEvidence.any(lines);
        if (finding.isPresent()) {
            return fatal(finding.get());
        }
        return switch (exit.kind()) {
            case DESTROYED -> ended("It was destroyed before its agent answered.", exit);
            case GUEST_SHUTDOWN -> ended("It powered itself off before its agent answered.", exit);
            case GUEST_PANIC ->
                new FailureException(
                        new Cause(CauseCode.KERNEL_PANIC, "Its kernel panicked.", withConsole(exit.evidence())));
            case HYPERVISOR_FAILED ->
                new FailureException(new Cause(
                        CauseCode.HYPERVISOR_FAILED,
                        "The hypervisor ended with " + exit.exitCode() + " before the agent answered.",
                        withConsole(exit.evidence())));
        };
    }

    private FailureException ended(String detail, MachineExit exit) {
        return new FailureException(new Cause(CauseCode.MACHINE_ENDED, detail, withConsole(exit.evidence())));
    }

    private FailureException timedOut(Duration atMost) {
        Answer last = lastSeen.get();
        String answers;
        synchronized (seen) {
            answers = seen.isEmpty() ? "none" : seen.toString();
        }
        var evidence = new ArrayList<String>();
        String within = " within " + atMost.toMillis() + " ms";
        evidence.add("seen last: " + (last == null ? "no answer at all" : last.text()));
        evidence.add("all answers: " + answers);
        Optional<ConsoleEvidence.Finding> finding =
                ConsoleEvidence.any(machine.console().lastLines(400));
        if (finding.isPresent()) {
            evidence.addFirst(finding.get().line());
            return new FailureException(
                    new Cause(finding.get().code(), finding.get().detail(), withConsole(evidence)));
        }
        String what = switch (last) {
            case null -> "was not asked to the end";
            case Answer.Unreachable unreachable -> "could not be reached: no way to the machine";
            case Answer.Refused refused -> "did not listen: the machine refused the connection";
            case Answer.Closed closed -> "did not listen: connections to it were accepted and broken at once";
            case Answer.Silent silent -> "accepted connections and said nothing";
            case Answer.Wrong wrong -> "answered something else";
            case Answer.Healthy healthy -> "answered too late";
        };
        if (machine.console().bytes() == 0) {
            evidence.add("the console is empty: its kernel never spoke");
        }
        return new FailureException(
                new Cause(CauseCode.AGENT_SILENT, "The agent " + what + within + ".", withConsole(evidence)));
    }

    /** The line with those before it, which say what led to it, and those after it. */
    private List<String> around(String line) {
        List<String> window = ConsoleEvidence.around(machine.console().lastLines(400), line);
        return window.isEmpty() ? withConsole(List.of(line)) : window;
    }

    private List<String> withConsole(List<String> first) {
        var evidence = new ArrayList<>(first);
        for (String line : machine.console().lastLines(Math.max(1, EVIDENCE_LINES - first.size()))) {
            if (!evidence.contains(line)) {
                evidence.add(line);
            }
        }
        return evidence;
    }
}
