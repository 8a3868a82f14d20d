package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.Health;
import dev.sallyport.controller.store.MachineChange;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.diagnosis.Verdict;
import dev.sallyport.image.Image;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.Readiness;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** The wait for a machine's agent, and what is written down of how it went. */
final class AgentWait {
    private final MachineStore store;
    private final Duration atMost;
    private final Consumer<Answer> heard;
    private final ImageEvidence imageEvidence = new ImageEvidence();

    /** @param atMost the deadline of each wait */
    AgentWait(MachineStore store, Duration atMost) {
        this(store, atMost, answer -> {});
    }

    /** @param heard told of each answer, before it is judged; by any thread */
    AgentWait(MachineStore store, Duration atMost, Consumer<Answer> heard) {
        this.store = store;
        this.atMost = atMost;
        this.heard = heard;
    }

    /**
     * Waits until the agent answers, and writes down that it did.
     *
     * @param began the value of {@link System#nanoTime()} from which the start counts
     * @throws FailureException with the cause when it does not come up
     */
    void await(MachineId id, LiveMachine live, Image image, MachineTimeline.Recorder record, long began)
            throws InterruptedException {
        ready(id, live, answer(live, image, record, began), record, began);
    }

    /** Waits until the agent answers; see {@link #await}. */
    Health answer(LiveMachine live, Image image, MachineTimeline.Recorder record, long began)
            throws InterruptedException {
        var probe = HttpHealthProbe.of(live.machine().spec());
        var readiness = new Readiness(live.machine(), (agent, wait) -> {
            Answer answer = live.withoutStaleFailures(probe.ask(agent, wait));
            heard.accept(answer);
            return answer;
        });
        try {
            return readiness.await(atMost);
        } catch (FailureException e) {
            Optional<Verdict> verdict = readiness.verdict();
            if (verdict.isEmpty()) {
                throw e;
            }
            diagnosed(record, verdict.get(), began);
            throw new FailureException(imageEvidence.join(verdict.get(), image), e);
        }
    }

    /** Writes down that the agent has answered. */
    void ready(MachineId id, LiveMachine live, Health health, MachineTimeline.Recorder record, long began) {
        store.transition(
                id,
                MachineLife.Event.AGENT_READY,
                MachineChange.none()
                        .addresses(live.machine().agent(), live.machine().streams())
                        .telling(record.entries(
                                "agent_ready",
                                "The agent answers.",
                                Map.of(
                                        "since_start_ms", Long.toString((System.nanoTime() - began) / 1_000_000),
                                        "agent_version", health.version()))));
    }

    /** How soon the cause was named: after the start, and after the first of the lines that prove it. */
    private static void diagnosed(MachineTimeline.Recorder record, Verdict verdict, long began) {
        long signToVerdict =
                Math.max(0, Duration.between(verdict.sign(), Instant.now()).toMillis());
        record.done(
                "diagnosed",
                verdict.cause().detail(),
                Map.of(
                        "cause",
                        verdict.cause().code().name(),
                        "certainty",
                        verdict.certainty().name().toLowerCase(Locale.ROOT),
                        "since_start_ms",
                        Long.toString((System.nanoTime() - began) / 1_000_000),
                        TimelineStore.SIGN_TO_VERDICT,
                        Long.toString(signToVerdict)));
    }
}
