package dev.sallyport.controller.metrics;

import dev.sallyport.controller.store.OutcomeListener;
import dev.sallyport.controller.store.Purpose;
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
import java.util.List;

/**
 * Counts how sessions and machines fared since this controller started. Told by the stores after each change of state is
 * committed, so that a failure counts once however many parts of the program saw it.
 */
public final class Outcomes implements OutcomeListener {
    /** From a restored template to an emulated browser machine on a busy host. */
    private static final Duration[] READY_STEPS = seconds(0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256);

    private static final Duration[] CLAIM_STEPS = seconds(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1);

    private static final Duration[] DIAGNOSIS_STEPS = seconds(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128);

    /** From a claimed machine to a user who went for a coffee. */
    private static final Duration[] PHASE_STEPS = seconds(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024);

    private static final List<String> PHASES =
            List.of("queue", "boot", "agent_ready", "url_shown", "user", "handover", "grace");

    private final MeterRegistry registry;

    /** @param registry where the figures go */
    public Outcomes(MeterRegistry registry) {
        this.registry = registry;
        // What is there from the beginning, at nought, shows the first one as a rise.
        Arrays.stream(SessionStatus.values()).filter(SessionStatus::isEnded).forEach(this::sessions);
        Arrays.stream(VmType.values()).forEach(this::ready);
        PHASES.forEach(this::phase);
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
    public void sessionMoved(StoredSession before, StoredSession after) {
        Duration took = Duration.between(before.statusSince(), after.statusSince());
        switch (after.status()) {
            case VM_CREATED -> phase("boot").record(took);
            case AWAITING_USER -> phase("url_shown").record(took);
            case TRANSFERRING -> phase("user").record(took);
            case COMPLETED -> phase("handover").record(took);
            default -> {
                // An end on the way says nothing of how long the phase takes.
            }
        }
    }

    @Override
    public void queued(Duration waited) {
        phase("queue").record(waited);
    }

    @Override
    public void browserGone(Duration afterEnd) {
        phase("grace").record(afterEnd);
    }

    @Override
    public void vault(String operation, boolean done) {
        Counter.builder("sallyport.vault.operations")
                .description("What the vault was asked for")
                .tag("operation", operation)
                .tag("outcome", done ? "done" : "none")
                .register(registry)
                .increment();
    }

    @Override
    public void machineReady(StoredMachine machine) {
        Instant ready = machine.readyAt();
        if (ready != null && machine.purpose() != Purpose.TEMPLATE) {
            Duration took = Duration.between(machine.createdAt(), ready);
            ready(machine.type()).record(took);
            if (machine.type() == VmType.BROWSER && machine.purpose() == Purpose.USER) {
                phase("agent_ready").record(took);
            }
        }
    }

    /** A user was given a machine that had been kept ready, so soon. */
    public void claimed(VmType kind, Duration took) {
        Timer.builder("sallyport.pool.claim")
                .description("How long it took to give a user a machine that was kept ready")
                .tag("kind", kind.wire())
                .serviceLevelObjectives(CLAIM_STEPS)
                .register(registry)
                .record(took);
        if (kind == VmType.BROWSER) {
            phase("agent_ready").record(took);
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

    private Timer phase(String name) {
        return Timer.builder("sallyport.session.phase")
                .description("How long the phases of sign-ins took")
                .tag("phase", name)
                .serviceLevelObjectives(PHASE_STEPS)
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
