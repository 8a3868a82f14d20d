package dev.sallyport.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DiagnosisTest {
    private static final Instant START = Instant.parse("2026-11-27T06:00:00Z");

    private final Diagnosis diagnosis = new Diagnosis(Subject.AGENT);

    @Test
    void theSignIsTheFirstLineThatTells() {
        line(1, "[    1.0] hello");
        line(2, "systemd[57]: sallyport-agent.service: Failed at step USER spawning /opt/agent: No such process");
        line(3, "systemd[1]: sallyport-agent.service: Main process exited, code=exited, status=217/USER");
        Verdict verdict = diagnosis.verdict().orElseThrow();
        assertThat(verdict.cause().code()).isEqualTo(CauseCode.UNIT_USER_MISSING);
        assertThat(verdict.sign()).isEqualTo(START.plusSeconds(2));
    }

    @Test
    void phasesHaveTheirTimes() {
        line(1, "[    0.000000] Linux version 6.1.0");
        line(2, "sallyport-initramfs: root file system of 5 layers is there, 1.10 s after the kernel began");
        line(3, "systemd[1]: systemd 252.39-1~deb12u2 running in system mode (+PAM)");
        line(4, "[  OK  ] Started sallyport-agent.service - Sallyport agent.");
        line(7, "agent[9]: 2026-11-27T06:00:07Z sallyport-agent: start: listening on 0.0.0.0:8080, 3000 ms after");
        diagnosis.add(new Evidence.Answer(START.plusSeconds(8), Evidence.Reply.HEALTHY, "ok"));
        assertThat(diagnosis.phases())
                .containsExactly(
                        new Phase(Phase.Name.KERNEL_BEGAN, START.plusSeconds(1)),
                        new Phase(Phase.Name.ROOT_READY, START.plusSeconds(2)),
                        new Phase(Phase.Name.SYSTEMD_BEGAN, START.plusSeconds(3)),
                        new Phase(Phase.Name.UNIT_STARTED, START.plusSeconds(4)),
                        new Phase(Phase.Name.AGENT_LISTENS, START.plusSeconds(7)),
                        new Phase(Phase.Name.AGENT_ANSWERED, START.plusSeconds(8)));
    }

    @Test
    void aDescriptionAloneIsTheUnitThatItWasSeenWith() {
        var other = new Diagnosis(new Subject("vm-agent.service", 8080));
        other.add(new Evidence.Line(START, "         Starting vm-agent.service - The thing of the VM..."));
        other.add(new Evidence.Line(START, "[DEPEND] Dependency failed for The thing of the VM."));
        assertThat(other.verdict().orElseThrow().cause().code()).isEqualTo(CauseCode.UNIT_DEPENDENCY_FAILED);
    }

    @Test
    void anUnrelatedUnitIsNotTheAgent() {
        line(1, "systemd[1]: my-sallyport-agent.service: Main process exited, code=exited, status=203/EXEC");
        line(1, "systemd[1]: Unit sallyport-agent.service.d not found.");
        assertThat(diagnosis.verdict()).isEmpty();
    }

    @Test
    void neverNothingAtTheEnd() {
        Verdict last = diagnosis.last();
        assertThat(last.cause().code()).isEqualTo(CauseCode.AGENT_SILENT);
        assertThat(last.cause().evidence()).anyMatch(line -> line.contains("its kernel never spoke"));
    }

    /** Memory is bounded, and nothing that a guest writes makes reading it fail. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void survivesWhateverAGuestWrites(long seed) {
        var random = new Random(seed);
        List<String> pieces = List.of(
                "systemd[1]: ",
                "sallyport-agent.service",
                ": Main process exited, code=",
                "exited",
                "killed",
                ", status=",
                "203/EXEC",
                "999999999999",
                "sallyport-words: ",
                "BEGIN 1 hung",
                "END 1 2",
                "unit ",
                "clock 99999999999999999",
                "job x.device start running",
                "Kernel panic - not syncing: ",
                "Attempted to kill init! exitcode=0xffffffff",
                "[  OK  ] Started ",
                "…",
                "(",
                ")",
                " - ",
                ".",
                " ",
                "[",
                "]: ",
                "Failed to start ",
                "\\",
                "$1",
                "dev-x.device",
                "A start job is running for ",
                "(99999999999min / no limit)",
                "listen ",
                "memory 1 0",
                "disk / 100",
                "answers on ",
                ":99999",
                "sallyport-initramfs: FATAL ",
                "X",
                "exec /a missing",
                "a".repeat(400));
        for (int i = 0; i < 1000; i++) {
            var text = new StringBuilder();
            for (int piece = random.nextInt(9); piece >= 0; piece--) {
                text.append(pieces.get(random.nextInt(pieces.size())));
            }
            line(i, text.toString());
            if (i % 50 == 0) {
                diagnosis.add(new Evidence.Idle(START.plusSeconds(i), Duration.ofSeconds(12), "idle"));
            }
            diagnosis.verdict().ifPresent(DiagnosisTest::bounded);
            if (i % 20 == 0) {
                bounded(diagnosis.last());
            }
            assertThat(diagnosis.phases()).hasSizeLessThanOrEqualTo(Phase.Name.values().length);
        }
    }

    @Test
    void manyUnitsDoNotDriveOutTheAgents() {
        line(1, "systemd[1]: sallyport-agent.service: Main process exited, code=exited, status=203/EXEC");
        for (int i = 0; i < 5000; i++) {
            line(2, "systemd[1]: u" + i + ".service: Main process exited, code=exited, status=1/FAILURE");
        }
        assertThat(diagnosis.verdict().orElseThrow().cause().code()).isEqualTo(CauseCode.EXEC_MISSING);
    }

    private static void bounded(Verdict verdict) {
        assertThat(verdict.cause().detail()).isNotBlank().hasSizeLessThanOrEqualTo(Cause.MAX_LINE);
        assertThat(verdict.cause().evidence()).hasSizeLessThanOrEqualTo(Proofs.MOST);
    }

    private void line(long second, String text) {
        diagnosis.add(new Evidence.Line(START.plusSeconds(second), text));
    }
}
