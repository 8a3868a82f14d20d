package dev.sallyport.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.agentapi.Vitals;
import dev.sallyport.model.VmType;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the agent reads of its machine, and what it writes for it. */
class MachineFilesTest {
    private static final String DIGEST = "0123456789abcdef".repeat(4);

    @TempDir
    Path folder;

    private Facts facts(String text) throws Exception {
        return Facts.read(Files.writeString(folder.resolve("facts"), text));
    }

    @Test
    void factsAreLines() throws Exception {
        Facts facts = facts("machine_id=m-a\nvm_type=browser\ntoken_sha256=" + DIGEST
                + "\nproxy=10.0.2.2:3128\nlater_fact=a=b\n\n");
        assertThat(facts).isEqualTo(new Facts("m-a", VmType.BROWSER, DIGEST, "10.0.2.2:3128", ""));
    }

    @Test
    void factsThatAreNotWholeAreRefused() {
        for (String text : new String[] {
            "", "vm_type=cli\n", "vm_type=cli\ntoken_sha256=abc\n", "token_sha256=" + DIGEST + "\n", "no equals sign\n"
        }) {
            assertThatThrownBy(() -> facts(text)).as(text).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void settingsHaveTheGuestsLayoutAsDefaults() {
        Settings settings = Settings.of(name -> null);
        assertThat(settings.facts()).isEqualTo(Path.of("/run/sallyport/facts"));
        assertThat(settings.home()).isEqualTo(Path.of("/home/user"));
        assertThat(settings.workspace()).isEqualTo(Path.of("/home/user/workspace"));
        assertThat(settings.port()).isEqualTo(8080);
        assertThat(settings.streamPort()).isEqualTo(8081);
        assertThat(settings.bind()).isEqualTo("0.0.0.0");
        assertThat(settings.switchUsers()).isTrue();
        assertThat(settings.chromiumSandbox()).isTrue();
    }

    @Test
    void vitalsAreReadFromProc() throws Exception {
        Files.writeString(folder.resolve("uptime"), "12.34 20.00\n");
        Files.writeString(folder.resolve("loadavg"), "0.52 0.58 0.59 1/190 8000\n");
        Files.writeString(
                folder.resolve("meminfo"),
                "MemTotal:         512000 kB\nMemFree:          100 kB\nMemAvailable:     300000 kB\n");

        Vitals vitals = new VitalsReader(folder, folder).read();

        assertThat(vitals.uptimeMs()).isEqualTo(12_340);
        assertThat(vitals.memoryTotalKib()).isEqualTo(512_000);
        assertThat(vitals.memoryAvailableKib()).isEqualTo(300_000);
        assertThat(vitals.load1()).isEqualTo(0.52);
        assertThat(vitals.diskFreeKib()).isPositive();
    }

    private Authorities authorities(String pem) throws Exception {
        Files.writeString(folder.resolve("system.pem"), "SYSTEM\n");
        Settings settings =
                Bench.settings(folder, Map.of("caBundle", folder.resolve("system.pem").toString()));
        return Authorities.write(
                settings,
                new Facts(
                        "m",
                        VmType.CLI,
                        DIGEST,
                        "",
                        Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.US_ASCII))));
    }

    @Test
    void furtherAuthoritiesAreAddedToTheSystems() throws Exception {
        String one = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n";
        String two = "-----BEGIN CERTIFICATE-----\nMIIC+/==\n-----END CERTIFICATE-----\n";

        Authorities authorities = authorities("comment\n" + one + two);

        assertThat(authorities.certificates()).containsExactly("MIIBAAAA", "MIIC+/==");
        assertThat(authorities.bundle()).content().startsWith("SYSTEM\n").contains(one).contains(two);
        assertThat(authorities.environment())
                .containsEntry("SSL_CERT_FILE", authorities.bundle().toString())
                .containsEntry("CODEX_CA_CERTIFICATE", authorities.bundle().toString());
        assertThat(Path.of(authorities.environment().get("NODE_EXTRA_CA_CERTS")))
                .content()
                .contains(one)
                .doesNotContain("SYSTEM");
    }

    @Test
    void withoutFurtherOnesNodeKeepsItsOwn() throws Exception {
        assertThat(authorities("").environment()).doesNotContainKey("NODE_EXTRA_CA_CERTS");
    }

    @Test
    void aLogLineIsOneLine() {
        var bytes = new ByteArrayOutputStream();
        new Log(new PrintStream(bytes, true, StandardCharsets.UTF_8)).line("a\nb\u001b[2Jc");
        assertThat(bytes.toString(StandardCharsets.UTF_8)).matches("\\S+Z sallyport-agent: a b \\[2Jc\n");
    }
}
