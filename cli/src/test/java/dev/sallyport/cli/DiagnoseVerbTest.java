package dev.sallyport.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.cli.BootPhases.Phase;
import dev.sallyport.diagnosis.Subject;
import dev.sallyport.model.FailureException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class DiagnoseVerbTest {
    private static final List<String> BOOT = List.of(
            "[    0.000000] Linux version 6.1.0-56-cloud-amd64 (Debian)",
            "[    0.912000] Run /init as init process",
            "\u001b[0m[    1.500000] systemd[1]: systemd 252.39-1 running in system mode",
            "[    2.100000] systemd[1]: Started vm-browser-agent.service - the agent.");

    @Test
    void thePhasesAreToldWithTheirTimesAndLines() throws IOException {
        String told = diagnose(String.join("\r\n", BOOT), "vm-browser-agent.service");
        assertThat(told)
                .contains("Phases (4 lines read)")
                .containsPattern("kernel +0\\.00 s  line 1 +\\[ +0\\.0+\\] Linux version")
                .containsPattern("initramfs +0\\.91 s  line 2 ")
                .containsPattern("systemd +1\\.50 s  line 3 ")
                .containsPattern("agent +2\\.10 s  line 4 ");
    }

    @Test
    void theAgentsPhaseIsThatOfTheUnitNamed() {
        var phases = new BootPhases("other.service");
        for (int i = 0; i < BOOT.size(); i++) {
            phases.add(i + 1, BOOT.get(i));
        }
        assertThat(phases.found())
                .extracting(BootPhases.Beginning::phase)
                .containsExactly(Phase.KERNEL, Phase.INITRAMFS, Phase.SYSTEMD);
    }

    @Test
    void whatIsNoConsoleIsSaidToBeNone() throws IOException {
        assertThat(diagnose("hello\nworld\n", Subject.AGENT.unit())).contains("does not look like the console");
    }

    @Test
    void anEmptyLogIsRefused() {
        assertThatThrownBy(() -> diagnose("\n \n", Subject.AGENT.unit()))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("no line of text");
    }

    @Test
    @Timeout(60)
    void aLogWithoutEndIsReadToABound() throws IOException {
        var endless = new InputStream() {
            @Override
            public int read() {
                return 'x';
            }

            @Override
            public int read(byte[] into, int offset, int length) {
                java.util.Arrays.fill(into, offset, offset + length, (byte) 'x');
                return length;
            }
        };
        var out = new ByteArrayOutputStream();
        DiagnoseVerb.diagnose(endless, Subject.AGENT, new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("Only the first 64 MiB of the log were read.");
    }

    @Test
    void whatIsNoFileIsRefused(@TempDir Path folder) {
        assertThat(Main.run("diagnose", folder.toString())).isEqualTo(Main.FAILED);
        assertThat(Main.run("diagnose", folder.resolve("nothing").toString())).isEqualTo(Main.FAILED);
    }

    private static String diagnose(String log, String unit) throws IOException {
        var out = new ByteArrayOutputStream();
        DiagnoseVerb.diagnose(
                new ByteArrayInputStream(log.getBytes(StandardCharsets.UTF_8)),
                new Subject(unit, 8080),
                new PrintStream(out, true, StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }
}
