package dev.sallyport.controller.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.store.Purpose;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class OutcomesTest {
    private static final Instant BEGAN = Instant.parse("2026-05-20T12:00:00Z");

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Outcomes outcomes = new Outcomes(registry);

    @Test
    void everyOutcomeIsThereFromTheBeginning() {
        assertThat(registry.scrape())
                .contains("sallyport_sessions_total{outcome=\"completed\"} 0.0\n")
                .contains("sallyport_sessions_total{outcome=\"failed\"} 0.0\n")
                .contains("sallyport_sessions_total{outcome=\"cancelled\"} 0.0\n")
                .contains("sallyport_sessions_total{outcome=\"expired\"} 0.0\n")
                .contains("sallyport_machine_ready_seconds_count{kind=\"browser\"} 0\n")
                .contains("sallyport_diagnosis_seconds_count 0\n");
    }

    @Test
    void sessionsAreCountedByOutcomeAndFailuresByCause() {
        outcomes.sessionEnded(session(SessionStatus.FAILED, Cause.of(CauseCode.UNIT_NOT_ENABLED, "")));
        outcomes.sessionEnded(session(SessionStatus.FAILED, Cause.of(CauseCode.UNIT_NOT_ENABLED, "")));
        outcomes.sessionEnded(session(SessionStatus.FAILED, null));
        outcomes.sessionEnded(session(SessionStatus.EXPIRED, Cause.of(CauseCode.USER_TIME_OUT, "")));
        outcomes.sessionEnded(session(SessionStatus.COMPLETED, null));
        assertThat(registry.scrape())
                .contains("sallyport_sessions_total{outcome=\"failed\"} 3.0\n")
                .contains("sallyport_sessions_total{outcome=\"expired\"} 1.0\n")
                .contains("sallyport_sessions_total{outcome=\"completed\"} 1.0\n")
                .contains("sallyport_session_failures_total{cause=\"UNIT_NOT_ENABLED\"} 2.0\n")
                .contains("sallyport_session_failures_total{cause=\"UNKNOWN\"} 1.0\n")
                .doesNotContain("USER_TIME_OUT");
    }

    @Test
    void startsAreTimedAndTheirFailuresCounted() {
        outcomes.machineReady(machine(VmType.CLI, BEGAN.plusMillis(3500)));
        outcomes.startFailed(machine(VmType.BROWSER, null), Cause.of(CauseCode.KERNEL_PANIC, ""));
        outcomes.diagnosed(Duration.ofMillis(700));
        assertThat(registry.scrape())
                .contains("sallyport_machine_ready_seconds_bucket{kind=\"cli\",le=\"2.0\"} 0\n")
                .contains("sallyport_machine_ready_seconds_bucket{kind=\"cli\",le=\"4.0\"} 1\n")
                .contains("sallyport_machine_ready_seconds_sum{kind=\"cli\"} 3.5\n")
                .contains("sallyport_machine_start_failures_total{cause=\"KERNEL_PANIC\",kind=\"browser\"} 1.0\n")
                .contains("sallyport_diagnosis_seconds_bucket{le=\"1.0\"} 1\n")
                .contains("sallyport_diagnosis_seconds_sum 0.7\n");
    }

    private static StoredSession session(SessionStatus status, @Nullable Cause cause) {
        return new StoredSession(
                SessionId.random(),
                new UserId("u-ada"),
                new ProviderId("codex"),
                status,
                null,
                null,
                3,
                cause,
                null,
                0,
                null,
                BEGAN,
                BEGAN,
                BEGAN,
                null,
                null,
                null,
                false,
                BEGAN,
                null);
    }

    private static StoredMachine machine(VmType type, @Nullable Instant ready) {
        return new StoredMachine(
                MachineId.random(),
                type,
                MachineState.READY,
                null,
                null,
                "image",
                "qemu",
                3,
                null,
                null,
                null,
                null,
                BEGAN,
                BEGAN,
                ready,
                null,
                null,
                Set.of(),
                null,
                Purpose.USER);
    }
}
