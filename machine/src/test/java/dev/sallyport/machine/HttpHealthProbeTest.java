package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.machine.HealthProbe.Answer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HttpHealthProbeTest {
    private static final Duration ENOUGH = Duration.ofSeconds(10);
    private static final Duration LITTLE = Duration.ofMillis(300);
    private static final String GOOD = """
            {"status":"ok","timestamp":"t","activeSessions":2,"version":"9","machineId":"m-abcdefghijkl","parts":{"desktop":"ok"},"later":1}""";

    /** Writes an answer. */
    @FunctionalInterface
    private interface Server {
        void answer(Socket connection, OutputStream out) throws IOException, InterruptedException;
    }

    private final ServerSocket listener;

    HttpHealthProbeTest() throws IOException {
        listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void close() throws IOException {
        listener.close();
    }

    @Test
    void aGoodAnswerIsHealth() throws Exception {
        Answer answer = ask(ENOUGH, (connection, out) -> write(out, response(GOOD)));
        assertThat(answer).isInstanceOfSatisfying(Answer.Healthy.class, healthy -> {
            assertThat(healthy.health().machineId()).isEqualTo("m-abcdefghijkl");
            assertThat(healthy.health().activeSessions()).isEqualTo(2);
            assertThat(healthy.health().parts()).containsEntry("desktop", "ok");
        });
    }

    @Test
    void aConnectionThatStaysOpenIsNoWait() throws Exception {
        long began = System.nanoTime();
        Answer answer = ask(ENOUGH, (connection, out) -> {
            write(out, response(GOOD));
            connection.getInputStream().readAllBytes();
        });
        assertThat(answer).isInstanceOf(Answer.Healthy.class);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void nothingListeningIsRefused() throws Exception {
        int port = listener.getLocalPort();
        listener.close();
        assertThat(new HttpHealthProbe().ask(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), ENOUGH))
                .isInstanceOf(Answer.Refused.class);
    }

    @Test
    void noWayIsUnreachable() throws Exception {
        // The prefix whose packets are thrown away (RFC 6666): refused at once where there is no way there, lost where
        // there is one.
        Answer answer = new HttpHealthProbe().ask(new InetSocketAddress("100::1", 8080), LITTLE);
        assertThat(answer).isInstanceOf(Answer.Unreachable.class);
    }

    @Test
    void aServerThatSaysNothingIsSilent() throws Exception {
        Answer answer =
                ask(LITTLE, (connection, out) -> connection.getInputStream().readAllBytes());
        assertThat(answer).isInstanceOf(Answer.Silent.class);
    }

    @Test
    void anAnswerThatDripsIsHeldToTheDeadline() throws Exception {
        long began = System.nanoTime();
        Answer answer = ask(LITTLE, (connection, out) -> {
            while (true) {
                write(out, "x");
                Thread.sleep(50);
            }
        });
        assertThat(answer).isInstanceOf(Answer.Silent.class);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(3));
    }

    @Test
    void aConnectionThatIsClosedWithoutAWordIsClosed() throws Exception {
        assertThat(ask(ENOUGH, (connection, out) -> {})).isInstanceOf(Answer.Closed.class);
        assertThat(ask(ENOUGH, (connection, out) -> connection.setSoLinger(true, 0)))
                .isInstanceOf(Answer.Closed.class);
    }

    @Test
    void whatIsNotAnAgentIsWrong() throws Exception {
        assertThat(ask(ENOUGH, (connection, out) -> write(out, "SSH-2.0-OpenSSH\r\n")))
                .isInstanceOf(Answer.Wrong.class);
        assertThat(ask(ENOUGH, (connection, out) -> write(out, "HTTP/1.1 404 Not Found\r\n\r\nno"))
                        .text())
                .contains("404 Not Found");
        assertThat(ask(ENOUGH, (connection, out) -> write(out, response("<html>"))))
                .isInstanceOf(Answer.Wrong.class);
        assertThat(ask(ENOUGH, (connection, out) -> write(out, response("{\"status\":\"ok\"}")))
                        .text())
                .contains("lacks machineId");
        assertThat(ask(ENOUGH, (connection, out) -> write(out, response("null"))))
                .isInstanceOf(Answer.Wrong.class);
        assertThat(ask(ENOUGH, (connection, out) -> write(out, response("[".repeat(50_000)))))
                .isInstanceOf(Answer.Wrong.class);
    }

    @Test
    void anEndlessAnswerIsCut() throws Exception {
        Answer answer = ask(ENOUGH, (connection, out) -> {
            write(out, "HTTP/1.1 200 OK\r\n\r\n");
            while (true) {
                write(out, " ".repeat(10_000));
            }
        });
        assertThat(answer).isInstanceOf(Answer.Wrong.class);
    }

    private Answer ask(Duration atMost, Server server) throws InterruptedException {
        Thread.ofVirtual().start(() -> {
            try (Socket connection = listener.accept()) {
                int newLines = 0;
                while (newLines < 2) {
                    int next = connection.getInputStream().read();
                    newLines = next == '\n' ? newLines + 1 : next == '\r' ? newLines : 0;
                }
                server.answer(connection, connection.getOutputStream());
            } catch (IOException | InterruptedException e) {
                // The probe has heard enough.
            }
        });
        return new HttpHealthProbe().ask((InetSocketAddress) listener.getLocalSocketAddress(), atMost);
    }

    private static String response(String json) {
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + json.length() + "\r\n\r\n"
                + json;
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }
}
