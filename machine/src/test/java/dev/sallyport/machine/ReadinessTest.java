package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.agentapi.Health;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ReadinessTest {
    private static final Duration LONG = Duration.ofSeconds(25);
    private static final Duration SHORT = Duration.ofMillis(700);
    private static final HealthProbe REFUSED = (agent, atMost) -> new Answer.Refused("connection refused");

    private final Path folder;
    private FakeMachine machine;

    ReadinessTest(@TempDir Path folder) throws Exception {
        this.folder = folder;
        machine = new FakeMachine(folder, 1);
    }

    @Test
    void theAgentWins() throws Exception {
        var asked = new AtomicInteger();
        HealthProbe probe = (agent, atMost) -> asked.incrementAndGet() < 3
                ? new Answer.Unreachable("no route")
                : new Answer.Healthy(health("ok", FakeMachine.ID.value(), Map.of()));

        assertThat(Readiness.await(machine, probe, LONG).status()).isEqualTo("ok");
        assertThat(asked.get()).isGreaterThanOrEqualTo(3);
    }

    @Test
    void aQuestionThatHangsDoesNotHoldUpTheNext() throws Exception {
        var never = new CountDownLatch(1);
        var asked = new AtomicInteger();
        HealthProbe probe = (agent, atMost) -> {
            if (asked.incrementAndGet() < 4) {
                never.await();
            }
            return new Answer.Healthy(health("ok", FakeMachine.ID.value(), Map.of()));
        };
        long began = System.nanoTime();
        Readiness.await(machine, probe, LONG);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void anotherMachinesAgentIsWrong() {
        HealthProbe probe = (agent, atMost) -> new Answer.Healthy(health("ok", "m-zzzzzzzzzzzz\u001b[2J", Map.of()));
        Cause cause = failure(probe, LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.AGENT_WRONG);
        assertThat(cause.evidence()).containsExactly("it says that it is m-zzzzzzzzzzzz, not m-abcdefghijkl");
    }

    @Test
    void somethingElseOnThePortIsWrong() {
        Cause cause = failure((agent, atMost) -> new Answer.Wrong("HTTP/1.1 404 Not Found"), LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.AGENT_WRONG);
        assertThat(cause.evidence()).containsExactly("HTTP/1.1 404 Not Found");
    }

    @Test
    void aPartThatFailedEndsTheWait() {
        machine.says("Xvnc: no such display");
        Cause cause = failure(
                (agent, atMost) -> new Answer.Healthy(health(
                        "starting",
                        FakeMachine.ID.value(),
                        Map.of("desktop", "failed: exit 1", "chromium", "starting"))),
                LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.PART_FAILED);
        assertThat(cause.evidence()).contains("desktop: failed: exit 1");
    }

    @Test
    void aClockThatIsFarOffIsNamedWithBothTimes() {
        HealthProbe probe = (agent, atMost) ->
                new Answer.Healthy(new Health("ok", "2031-05-05T00:00:00Z", 0, "1", FakeMachine.ID.value(), Map.of()));
        Cause cause = failure(probe, LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.CLOCK_WRONG);
        assertThat(cause.detail()).contains("ahead of");
        assertThat(cause.evidence()).first().isEqualTo("the agent's clock: 2031-05-05T00:00:00Z");
    }

    @Test
    void aMachineThatStandsStillIsNamedLongBeforeTheDeadline() {
        machine.pulse(new Pulse("process 1 of the hypervisor is stopped (state T)", Duration.ZERO, Duration.ZERO));
        Cause cause = failure(REFUSED, LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.GUEST_FROZEN);
        assertThat(cause.evidence()).anyMatch(line -> line.contains("state T"));
    }

    @Test
    void whyItFailedIsKeptWithItsFirstSign() {
        Instant before = Instant.now();
        machine.says("sallyport-initramfs: FATAL LAYER_MISSING no disk holds the layer 1234");
        var readiness = new Readiness(machine, REFUSED);
        assertThatThrownBy(() -> readiness.await(LONG)).isInstanceOf(FailureException.class);
        assertThat(readiness.verdict().orElseThrow().sign()).isBetween(before, Instant.now());
    }

    @Test
    void aPartThatIsStillStartingIsNoReasonToWait() throws Exception {
        Health health = Readiness.await(
                machine,
                (agent, atMost) ->
                        new Answer.Healthy(health("starting", FakeMachine.ID.value(), Map.of("desktop", "starting"))),
                LONG);
        assertThat(health.parts()).containsEntry("desktop", "starting");
    }

    @Test
    void theInitramfsNamesItsCause() throws Exception {
        Thread.ofVirtual().start(() -> {
            machine.says("sallyport-initramfs: FATAL LAYER_CORRUPT the layer 1234 cannot be mounted");
            machine.ends(MachineExit.Kind.GUEST_SHUTDOWN, 0);
        });
        Cause cause = failure(REFUSED, LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.LAYER_CORRUPT);
        assertThat(cause.evidence()).anyMatch(line -> line.contains("the layer 1234 cannot be mounted"));
    }

    @Test
    void aCodeThatNobodyKnowsIsUnknown() {
        machine.says("sallyport-initramfs: FATAL MADE_UP by a hostile guest");
        assertThat(failure(REFUSED, LONG).code()).isEqualTo(CauseCode.UNKNOWN);
    }

    @Test
    void aPanicIsToldWithTheLinesAroundIt() {
        machine.says("/init: exec: switch_root: not found");
        machine.says("[ 1.3] Kernel panic - not syncing: Attempted to kill init!");
        machine.says("[ 1.4] CPU: 0 PID: 1");
        machine.ends(MachineExit.Kind.GUEST_PANIC, 0);
        Cause cause = failure(REFUSED, LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.KERNEL_PANIC);
        assertThat(cause.evidence())
                .contains("/init: exec: switch_root: not found")
                .first()
                .isEqualTo("[ 1.3] Kernel panic - not syncing: Attempted to kill init!");
    }

    @Test
    void lackOfMemoryIsToldFromOtherPanics() {
        machine.says("[ 1.3] Kernel panic - not syncing: System is deadlocked on memory");
        assertThat(failure(REFUSED, LONG).code()).isEqualTo(CauseCode.OUT_OF_MEMORY);
    }

    @Test
    void anEndIsToldByItsKind() throws Exception {
        machine.says("Power down");
        machine.ends(MachineExit.Kind.GUEST_SHUTDOWN, 0, "QEMU: guest-shutdown");
        Cause ended = failure(REFUSED, LONG);
        assertThat(ended.code()).isEqualTo(CauseCode.MACHINE_ENDED);
        assertThat(ended.evidence()).containsExactly("QEMU: guest-shutdown", "Power down");

        machine = new FakeMachine(folder, 1);
        machine.ends(MachineExit.Kind.HYPERVISOR_FAILED, 137, "killed");
        Cause killed = failure(REFUSED, LONG);
        assertThat(killed.code()).isEqualTo(CauseCode.HYPERVISOR_KILLED);
        assertThat(killed.detail()).contains("SIGKILL");

        machine = new FakeMachine(folder, 1);
        machine.destroy();
        assertThat(failure(REFUSED, LONG).detail()).contains("destroyed");
    }

    @Test
    void theDeadlineTellsWhatWasSeenLast() {
        machine.says("systemd: reached nothing");
        Cause refused = failure(REFUSED, SHORT);
        assertThat(refused.code()).isEqualTo(CauseCode.AGENT_SILENT);
        assertThat(refused.detail()).contains("refused the connection").contains("700 ms");
        assertThat(refused.evidence())
                .contains("seen last: connection refused", "systemd: reached nothing")
                .anyMatch(line -> line.startsWith("all answers: ") && line.contains("refused"));

        assertThat(failure((agent, atMost) -> new Answer.Unreachable("EHOSTUNREACH"), SHORT)
                        .detail())
                .contains("no way to the machine");
        assertThat(failure((agent, atMost) -> new Answer.Silent("quiet"), SHORT).detail())
                .contains("accepted connections and said nothing");
        assertThat(failure((agent, atMost) -> new Answer.Closed("broken"), SHORT)
                        .detail())
                .contains("accepted and broken at once");
    }

    @Test
    void anEmptyConsoleIsEvidenceToo() {
        assertThat(failure(REFUSED, SHORT).evidence()).contains("the console is empty: its kernel never spoke");
    }

    @Test
    void whatSystemdSaidOfTheAgentIsMoreThanSilence() {
        machine.says("systemd[1]: sallyport-agent.service: Failed with result 'exit-code'.");
        Cause failed = failure(REFUSED, SHORT);
        assertThat(failed.code()).isEqualTo(CauseCode.AGENT_FAILED);
        assertThat(failed.evidence().getFirst()).contains("Failed with result");

        machine.says("systemd[1]: sallyport-agent.service: Failed at step EXEC spawning /opt/x: Permission denied");
        Cause denied = failure(REFUSED, SHORT);
        assertThat(denied.code()).isEqualTo(CauseCode.EXEC_NOT_EXECUTABLE);
        assertThat(denied.evidence()).first().asString().contains("/opt/x");
    }

    @Test
    void anInterruptEndsTheWait() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Readiness.await(machine, REFUSED, LONG)).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void aProbeThatThrowsIsNoSilentWait() {
        Cause cause = failure(
                (agent, atMost) -> {
                    throw new IllegalStateException("defect");
                },
                LONG);
        assertThat(cause.code()).isEqualTo(CauseCode.UNKNOWN);
        assertThat(cause.evidence().getFirst()).contains("defect");
    }

    private Cause failure(HealthProbe probe, Duration atMost) {
        FailureException failure =
                catchThrowableOfType(FailureException.class, () -> Readiness.await(machine, probe, atMost));
        assertThat(failure).as("the wait must fail").isNotNull();
        return failure.reason();
    }

    private static Health health(String status, String id, Map<String, String> parts) {
        return new Health(status, Instant.now().toString(), 0, "1", id, parts);
    }
}
