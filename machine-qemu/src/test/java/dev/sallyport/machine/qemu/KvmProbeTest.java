package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.RecordingLedger;
import dev.sallyport.machine.Resource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With programs that play QEMU; that the real one is asked rightly is seen where machines run. */
@Timeout(60)
class KvmProbeTest {
    @TempDir
    Path folder;

    private final String marker = "probe-" + UUID.randomUUID();
    private final RecordingLedger ledger = new RecordingLedger(resource -> {});

    @Test
    void aGuestThatRanIsTheProofAndIsRemembered() throws Exception {
        QemuOptions options = playing("echo \"$@\" >>calls; echo 'sallyport-initramfs: probe ok'");

        KvmProbe.Verdict first = check(options);
        assertThat(first.usable()).isTrue();
        assertThat(Files.readString(folder.resolve("calls"))).contains("-accel kvm", "sallyport.probe");
        assertThat(ledger.all()).containsExactly(new Resource("qemu", "process", marker));
        assertThat(ledger.toUndo()).isEmpty();

        assertThat(check(options)).isEqualTo(first);
        assertThat(Files.readAllLines(folder.resolve("calls"))).hasSize(1);

        // Another board, or another QEMU, is another question.
        check(options.with(QemuOptions.Board.Q35));
        assertThat(Files.readAllLines(folder.resolve("calls"))).hasSize(2);
    }

    @Test
    void aGuestThatHangsIsEndedAndNamed() throws Exception {
        KvmProbe.Verdict verdict = check(playing("echo booting; sleep 1000"));
        assertThat(verdict.usable()).isFalse();
        assertThat(verdict.reason()).contains("hangs").contains("booting");
        assertThat(ProcessIdentity.find(marker)).isEmpty();
    }

    @Test
    void aQemuThatEndsIsNamedWithItsWords() throws Exception {
        KvmProbe.Verdict verdict = check(playing("echo 'failed to set MSR 0x10a' >&2; exit 1"));
        assertThat(verdict.usable()).isFalse();
        assertThat(verdict.reason()).contains("ended with 1").contains("MSR 0x10a");
    }

    @Test
    void successWithoutTheProofIsNone() throws Exception {
        assertThat(check(playing("exit 0")).usable()).isFalse();
    }

    @Test
    void noDeviceIsNoQuestion() throws Exception {
        QemuOptions options = playing("echo called >>calls");
        Path missing = folder.resolve("no-kvm");
        var probe = new KvmProbe(options, "", missing);
        KvmProbe.Verdict verdict =
                probe.check(folder.resolve("kernel"), folder.resolve("initramfs"), folder, "qemu", marker, made());
        assertThat(verdict.usable()).isFalse();
        assertThat(verdict.reason()).isEqualTo("there is no " + missing);
        assertThat(folder.resolve("calls")).doesNotExist();
    }

    private QemuOptions playing(String script) throws IOException {
        Files.writeString(folder.resolve("kernel"), "kernel");
        Files.writeString(folder.resolve("kvm"), "");
        Path program = folder.resolve("player");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        QemuOptions defaults = QemuOptions.defaults(folder.resolve("cache"));
        return new QemuOptions(
                defaults.cache(),
                program.toString(),
                QemuOptions.Accelerator.KVM,
                defaults.network(),
                defaults.board(),
                "",
                defaults.subnet(),
                defaults.startDeadline(),
                Duration.ofSeconds(2));
    }

    private KvmProbe.Verdict check(QemuOptions options) throws Exception {
        return new KvmProbe(options, "", folder.resolve("kvm"))
                .check(folder.resolve("kernel"), folder.resolve("initramfs"), folder, "qemu", marker, made());
    }

    private MadeThings made() {
        return new MadeThings(ledger, resource -> {
            try {
                return ProcessIdentity.killAll(resource.name(), Duration.ofSeconds(10));
            } catch (InterruptedException e) {
                return List.of(e.toString());
            }
        });
    }
}
