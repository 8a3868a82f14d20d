package dev.sallyport.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.image.ImageStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code image verify} says, and its exit status. */
final class VerifyReportTest {
    @TempDir
    private Path folder;

    private Path root;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    @BeforeEach
    void root() throws IOException {
        root = Files.createDirectories(folder.resolve("root"));
        Path units = Files.createDirectories(root.resolve("etc/systemd/system/default.target.wants"));
        Files.writeString(units.resolveSibling("default.target"), "[Unit]\nDefaultDependencies=no\n");
        Files.writeString(
                units.resolveSibling("x.service"), "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/sbin/init\n");
        Files.createSymbolicLink(units.resolve("x.service"), Path.of("../x.service"));
        // A program that needs neither loader nor library: the smallest ELF file with one segment.
        byte[] program = new byte[120];
        System.arraycopy(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}, 0, program, 0, 7);
        program[16] = 2;
        program[18] = 62;
        program[32] = 64;
        program[54] = 56;
        program[56] = 1;
        program[64] = 1;
        Path init = Files.write(Files.createDirectories(root.resolve("sbin")).resolve("init"), program);
        assertThat(init.toFile().setExecutable(true, false)).isTrue();
    }

    @Test
    void aSoundFolderIsSoundAndSaysWhatWasProven() {
        assertThat(verify(root.toString(), "x.service")).isZero();
        assertThat(said()).contains("sound: ", "x.service is there", "0 errors, 0 warnings, in ");
    }

    @Test
    void anUnsoundOneNamesPlaceCauseAndRemedy() throws IOException {
        Files.writeString(
                root.resolve("etc/systemd/system/x.service"),
                "[Service]\nExecStart=/gone\n[Unit]\nDefaultDependencies=no\n");
        assertThat(verify(root.toString(), "x")).isEqualTo(1);
        assertThat(said()).contains("/x.service:2", "[EXEC_MISSING]", "/gone, which is not there", "1 error, ");
        assertThat(said()).doesNotContain("sound: ");
    }

    @Test
    void theReportIsJsonToo() throws IOException {
        Files.delete(root.resolve("sbin/init"));
        int status = report().verify(root.toString(), List.of("x.service"), true);
        JsonNode json = new ObjectMapper().readTree(said());
        assertThat(status).isEqualTo(1);
        assertThat(json.path("sound").asBoolean(true)).isFalse();
        assertThat(json.path("findings").path(0).path("code").asText()).isEqualTo("INIT_MISSING");
    }

    @Test
    void whatIsNoImageGetsOneSentence() throws IOException {
        assertThat(verify(folder.resolve("gone").toString(), "x")).isEqualTo(66);
        assertThat(verify("no-such-image", "x")).isEqualTo(66);
        assertThat(verify(Files.writeString(folder.resolve("text"), "hello").toString(), "x"))
                .isEqualTo(65);
        assertThat(verify(root.toString(), "bad unit\n")).isEqualTo(64);
        assertThat(verify("\0", "x")).isEqualTo(64);
        assertThat(errors.toString(StandardCharsets.UTF_8).lines())
                .hasSize(5)
                .allMatch(line -> line.startsWith("sallyport: "));
        assertThat(said()).isEmpty();
    }

    private int verify(String name, String unit) {
        return report().verify(name, List.of(unit), false);
    }

    private VerifyReport report() {
        return new VerifyReport(
                ImageStore.open(folder.resolve("cache")),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(errors, true, StandardCharsets.UTF_8));
    }

    private String said() {
        return out.toString(StandardCharsets.UTF_8);
    }
}
