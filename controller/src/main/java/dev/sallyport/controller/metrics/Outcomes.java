package dev.sallyport.controller.metrics;

import dev.sallyport.controller.store.OutcomeListener;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.VmType;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;

/**
 * Counts how sessions and machines fared since this controller started. Told by the stores after each change of state is
 * committed, so that a failure counts once however many parts of the program saw it.
 */
public final class Outcomes implements OutcomeListener {
    /** From a restored template to an emulated browser machine on a busy host. */
    private static final Duration[] READY_STEPS = seconds(0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256);

    private static final Duration[] DIAGNOSIS_STEPS = seconds(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128);

    private final MeterRegistry registry;

    /** @param registry where the figures go */
    public Outcomes(MeterRegistry registry) {
        this.registry = registry;
        // What is there from the beginning, at nought, shows the first one as a rise.
        Arrays.stream(SessionStatus.values()).filter(SessionStatus::isEnded).forEach(this::sessions);
        Arrays.stream(VmType.values()).forEach(this::ready);
        diagnoses();
    }

    @Override
    public void sessionEnded(StoredSession session) {
        sessions(session.status()).increment();
        Cause cause = session.cause();
        if (session.status() == SessionStatus.FAILED) {
            Counter.builder("sallyport.session.failures")
                    .description("Sign-ins that failed, by cause")
                    .tag("cause", (cause == null ? CauseCode.UNKNOWN : cause.code()).name())
                    .register(registry)
                    .increment();
        }
    }

    @Override
    public void machineReady(StoredMachine machine) {
        Instant ready = machine.readyAt();
        if (ready != null) {
            ready(machine.type()).record(Duration.between(machine.createdAt(), ready));
        }
    }

    @Override
    public void startFailed(StoredMachine machine, Cause cause) {
        Counter.builder("sallyport.machine.start.failures")
                .description("Machines whose agent never answered, by cause")
                .tag("cause", cause.code().name())
                .tag("kind", machine.type().wire())
                .register(registry)
                .increment();
    }

    @Override
    public void diagnosed(Duration signToVerdict) {
        diagnoses().record(signToVerdict);
    }

    /** A durable timer fired. */
    public void timerFired(String task, boolean done) {
        Counter.builder("sallyport.timers")
                .description("Durable timers that fired")
                .tag("task", task)
                .tag("outcome", done ? "done" : "failed")
                .register(registry)
                .increment();
    }

    private Counter sessions(SessionStatus outcome) {
        return Counter.builder("sallyport.sessions")
                .description("Sign-ins that ended")
                .tag("outcome", outcome.wire())
                .register(registry);
    }

    private Timer ready(VmType kind) {
        return Timer.builder("sallyport.machine.ready")
                .description("From a machine's plan to its agent's answer")
                .tag("kind", kind.wire())
                .serviceLevelObjectives(READY_STEPS)
                .register(registry);
    }

    private Timer diagnoses() {
        return Timer.builder("sallyport.diagnosis")
                .description("From the first sign of a failed start to its named cause")
                .serviceLevelObjectives(DIAGNOSIS_STEPS)
                .register(registry);
    }

    private static Duration[] seconds(double... steps) {
        return Arrays.stream(steps)
                .mapToObj(step -> Duration.ofMillis(Math.round(step * 1000)))
                .toArray(Duration[]::new);
    }
}
