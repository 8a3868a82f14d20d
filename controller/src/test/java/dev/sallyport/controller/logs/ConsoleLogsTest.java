package dev.sallyport.controller.logs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConsoleLogsTest {
    private static final MachineId ID = new MachineId("m-abcdefghijkl");

    @TempDir
    private Path data;

    @Test
    void aConsoleIsReadInTheMachinesLifeAndAfterIt() throws IOException {
        var logs = new ConsoleLogs(data);
        assertThat(logs.lines(ID)).isEmpty();
        Path live = live("first\n");
        assertThat(logs.lines(ID)).hasValueSatisfying(lines -> assertThat(lines).containsExactly("first"));
        Files.writeString(live, "first\nlast\n");
        logs.keep(ID);
        Files.delete(live);
        assertThat(logs.lines(ID)).hasValueSatisfying(lines -> assertThat(lines).containsExactly("first", "last"));
    }

    @Test
    void whatIsKeptHasTheLogsTimeAndIsForItsOwnerAlone() throws IOException {
        Path live = live("words\n");
        Files.setPosixFilePermissions(live, PosixFilePermissions.fromString("rw-------"));
        Files.setLastModifiedTime(live, FileTime.from(Instant.parse("2026-05-20T12:00:00Z")));
        var logs = new ConsoleLogs(data);
        logs.keep(ID);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(logs.kept(ID))))
                .isEqualTo("rw-------");
        assertThat(Files.getLastModifiedTime(logs.kept(ID)).toInstant()).isEqualTo("2026-05-20T12:00:00Z");
    }

    @Test
    void keepingWhatIsNotThereLosesNothing() throws IOException {
        var logs = new ConsoleLogs(data);
        Path live = live("words\n");
        logs.keep(ID);
        Files.delete(live);
        logs.keep(ID);
        assertThat(logs.kept(ID)).hasContent("words\n");
    }

    @Test
    void aMachinesBytesAreShownAsPlainLines() throws IOException {
        live("\u001b[1;31mred\u001b[0m\u0007 and \u202eplain\r\nfin");
        assertThat(new ConsoleLogs(data).lines(ID))
                .hasValueSatisfying(lines -> assertThat(lines).containsExactly("red and plain", "fin"));
    }

    private Path live(String text) throws IOException {
        Path folder = Files.createDirectories(data.resolve("machines").resolve(ID.value()));
        return Files.write(folder.resolve("console.log"), text.getBytes(StandardCharsets.UTF_8));
    }
}
