package dev.sallyport.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.BindException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class StartAccountTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final StartAccount account =
            new StartAccount(new Log(new PrintStream(bytes, true, StandardCharsets.UTF_8)));

    private void failureReads(Throwable thrown, CauseCode code, String reason) {
        assertThat(StartAccount.code(thrown)).isEqualTo(code);
        assertThat(StartAccount.reason(thrown)).isEqualTo(reason);
    }

    @Test
    void aPhaseIsOneLineWithItsTime() {
        account.phase("facts read");

        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .matches("\\S+ sallyport-agent: start: facts read, \\d+ ms after the process began\n");
    }

    @Test
    void aFailureIsOneLineWithItsCode() {
        account.failed(new IOException("a\nb"));

        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .matches("\\S+ sallyport-agent: start: failed: AGENT_FAILED a b, \\d+ ms after the process began\n");
    }

    @Test
    void whatTheSystemSaysIsNamed() {
        failureReads(
                new FileSystemException("/run/x", null, "No space left on device"),
                CauseCode.WRITABLE_DISK_FULL,
                "/run/x: No space left on device");
        failureReads(
                new IOException("auth.json cannot be written", new IOException("Disk quota exceeded")),
                CauseCode.WRITABLE_DISK_FULL,
                "auth.json cannot be written");
        failureReads(
                new FileSystemException("/run/x", null, "Read-only file system"),
                CauseCode.AGENT_FAILED,
                "/run/x: Read-only file system");
        failureReads(new NoSuchFileException("/run/x"), CauseCode.AGENT_FAILED, "/run/x is not there");
        failureReads(new AccessDeniedException("/run/x"), CauseCode.AGENT_FAILED, "/run/x may not be read or written");
        failureReads(
                new IOException("cannot listen on 1.2.3.4:5", new BindException("Cannot assign requested address")),
                CauseCode.AGENT_WRONG_ADDRESS,
                "cannot listen on 1.2.3.4:5");
        failureReads(
                new IllegalStateException("x", new OutOfMemoryError("Java heap space")),
                CauseCode.OUT_OF_MEMORY,
                "out of memory: Java heap space");
        failureReads(new IllegalStateException("x"), CauseCode.AGENT_FAILED, "IllegalStateException: x");
    }

    @Test
    void aCircleOfCausesEnds() {
        var first = new IOException("a");
        first.initCause(new IOException("b", first));

        failureReads(first, CauseCode.AGENT_FAILED, "a");
    }
}
