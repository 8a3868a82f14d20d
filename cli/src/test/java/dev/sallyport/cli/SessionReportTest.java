package dev.sallyport.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SessionReportTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    @Test
    void aFailureIsToldWithItsEvidenceItsRemedyAndItsConsole() throws JsonProcessingException {
        int status = print("""
                {"status": "failed", "cause": {"code": "EXEC_MISSING", "sentence": "The program is not there.", "detail": "/usr/bin/node",
                 "remedy": "Add the file.", "evidence": ["systemd[1]: Failed at step EXEC", "\\u001b[31mred\\u0007"]}}
                """, List.of("Console of the browser machine: http://127.0.0.1:4000/c"));
        assertThat(status).isEqualTo(3);
        assertThat(errors.toString(StandardCharsets.UTF_8)).isEqualTo("""
                sallyport: the sign-in ended as failed: The program is not there. [EXEC_MISSING]
                  /usr/bin/node
                  | systemd[1]: Failed at step EXEC
                  | red
                  What to do: Add the file.
                  Console of the browser machine: http://127.0.0.1:4000/c
                """);
        assertThat(out.size()).isZero();
    }

    @Test
    void whatWasNotFinishedIsNoFailure() throws JsonProcessingException {
        assertThat(print("{\"status\": \"cancelled\", \"cause\": null}", List.of()))
                .isEqualTo(1);
        assertThat(errors.toString(StandardCharsets.UTF_8)).isEqualTo("sallyport: the sign-in ended as cancelled.\n");
        assertThat(print("{\"status\": \"expired\", \"cause\": {\"code\": \"USER_TIME_OUT\"}}", List.of()))
                .isEqualTo(1);
        assertThat(print("{\"status\": \"failed\"}", List.of())).isEqualTo(3);
    }

    @Test
    void theProofIsAllThatStandardOutputGets() throws JsonProcessingException {
        assertThat(print("{\"status\": \"completed\", \"proof\": \"Logged in\"}", List.of()))
                .isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("Logged in\n");
        assertThat(errors.size()).isZero();
    }

    private int print(String session, List<String> consoles) throws JsonProcessingException {
        return SessionReport.print(
                new ObjectMapper().readTree(session),
                consoles,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(errors, true, StandardCharsets.UTF_8));
    }
}
