package dev.sallyport.acceptance.house;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.admission.Admission;
import dev.sallyport.controller.admission.HostMemory;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.metrics.Metrics;
import dev.sallyport.controller.metrics.Outcomes;
import dev.sallyport.controller.store.HostStore;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.OutcomeListener;
import dev.sallyport.controller.store.Purpose;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.SessionTimers;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.Folders;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The dashboard in docs/grafana asks for what {@code /metrics} gives, and for all of it. */
final class GrafanaTest {
    private static final Pattern NAME = Pattern.compile("sallyport_[a-z_]+");
    private static final Pattern PART_OF_A_TIMER = Pattern.compile("_(bucket|count|sum|max)$");
    private static final Instant BEGAN = Instant.parse("2026-05-20T12:00:00Z");

    /** What the dashboard does not show, each with the reason. */
    private static final Map<String, String> NOT_SHOWN = Map.of(
            "sallyport_sessions_active", "one host's share of sallyport_sessions_open, which is shown",
            "sallyport_machines_running", "one host's share of sallyport_machines, which is shown");

    @Test
    void asksForNothingThatIsNotThere() throws IOException {
        assertThat(given()).containsAll(asked());
    }

    @Test
    void showsAllThatIsThere() throws IOException {
        Set<String> shown = asked().stream().map(GrafanaTest::family).collect(Collectors.toCollection(TreeSet::new));
        Set<String> hidden = given().stream().map(GrafanaTest::family).collect(Collectors.toCollection(TreeSet::new));
        hidden.removeAll(shown);
        assertThat(hidden).containsExactlyInAnyOrderElementsOf(NOT_SHOWN.keySet());
    }

    private static Set<String> asked() throws IOException {
        return names(Files.readString(Folders.ofThisProcess().home().resolve("docs/grafana/sallyport.json")));
    }

    private static Set<String> given() {
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        happenOnce(new Outcomes(registry));
        try (var metrics = new Metrics(registry)) {
            register(metrics);
            return names(registry.scrape()
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .collect(Collectors.joining("\n")));
        }
    }

    /** Everything that is counted when it happens first. */
    private static void happenOnce(Outcomes outcomes) {
        StoredSession session = session();
        outcomes.sessionMoved(session, session);
        outcomes.sessionEnded(session);
        outcomes.browserGone(Duration.ofSeconds(30));
        outcomes.queued(Duration.ZERO);
        outcomes.vault("find", true);
        outcomes.machineReady(machine());
        outcomes.claimed(VmType.BROWSER, Duration.ofMillis(20));
        outcomes.startFailed(machine(), Cause.of(CauseCode.KERNEL_PANIC, ""));
        outcomes.diagnosed(Duration.ofSeconds(1));
        outcomes.timerFired("browser-end", true);
    }

    /** Only names are asked for here: parts that are not there have no figures, which is NaN or nought. */
    @SuppressWarnings("NullAway")
    private static void register(Metrics metrics) {
        var memory = new HostMemory(Path.of("/"));
        var sessions = new SessionStore(null, null, OutcomeListener.NONE, SessionTimers.NONE);
        var machines = new MachineStore(null, null, null, OutcomeListener.NONE);
        metrics.parts(null, null, null, null)
                .room(new Admission(Limits.defaults(1L << 40), memory, System::nanoTime), memory)
                .ahead(null, null, null, null)
                .lease(null)
                .stored(sessions, machines, new HostStore(null, sessions, machines))
                .process();
    }

    private static Set<String> names(String text) {
        return NAME.matcher(text).results().map(MatchResult::group).collect(Collectors.toCollection(TreeSet::new));
    }

    private static String family(String name) {
        return PART_OF_A_TIMER.matcher(name).replaceFirst("");
    }

    private static StoredSession session() {
        return new StoredSession(
                SessionId.random(),
                new UserId("ada"),
                new ProviderId("codex"),
                SessionStatus.FAILED,
                null,
                null,
                1,
                Cause.of(CauseCode.KERNEL_PANIC, ""),
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

    private static StoredMachine machine() {
        return new StoredMachine(
                MachineId.random(),
                VmType.BROWSER,
                MachineState.READY,
                null,
                null,
                "image",
                "qemu",
                1,
                null,
                null,
                null,
                null,
                BEGAN,
                BEGAN,
                BEGAN,
                null,
                null,
                Set.of(),
                null,
                Purpose.USER);
    }
}
