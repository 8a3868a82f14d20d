package dev.sallyport.machine;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sallyport.agentapi.Health;
import dev.sallyport.agentapi.JsonBuffers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks over a plain socket, because what matters is how asking failed: an HTTP client's exceptions do not tell a machine that is
 * not there from one whose agent is not up. The answer is hostile: at most {@value #MAX_ANSWER} bytes of it are read.
 */
public final class HttpHealthProbe implements HealthProbe {
    private static final int MAX_ANSWER = 64 * 1024;

    /** A packet that a machine did not take, as it had no address yet, is sent again after a second: another connection is sooner. */
    private static final int CONNECT_MILLIS = 150;

    private static final Answer WAITING = new Answer.Silent("another question to the agent is open");

    private static final ObjectMapper JSON = JsonMapper.builder(JsonBuffers.defaults())
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private final String path;
    /** One permit for each question that may be open; null for any number. */
    private final @Nullable Semaphore open;

    /** Asks whoever answers. */
    public HttpHealthProbe() {
        this("/health", null);
    }

    private HttpHealthProbe(String path, @Nullable Semaphore open) {
        this.path = path;
        this.open = open;
    }

    /** Asks whoever answers, and has its Chromium asked before it does. */
    public static HttpHealthProbe withChromium() {
        return new HttpHealthProbe("/health?chromium=ask", null);
    }

    /**
     * Asks the agent of a machine. One that begins from a template has better things to do than to answer again and again who it was:
     * its agent answers when it has its identity, and is asked once. It has another address before, so that a connection comes about by
     * the first packet that is sent after it has its own.
     */
    public static HttpHealthProbe of(MachineSpec spec) {
        return spec.origin() instanceof Origin.FromTemplate
                ? new HttpHealthProbe("/health?machine=" + spec.id(), new Semaphore(1))
                : new HttpHealthProbe();
    }

    @Override
    public Answer ask(InetSocketAddress agent, Duration atMost) throws InterruptedException {
        if (open == null) {
            return asked(agent, atMost, () -> true);
        }
        var ours = new AtomicBoolean();
        try {
            return open.availablePermits() == 0
                    ? WAITING
                    : asked(agent, atMost, () -> {
                        ours.set(open.tryAcquire());
                        return ours.get();
                    });
        } finally {
            if (ours.get()) {
                open.release();
            }
        }
    }

    /** @param may asked once there is a connection, whether the question may be put */
    private Answer asked(InetSocketAddress agent, Duration atMost, BooleanSupplier may) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        try (Socket socket = new Socket()) {
            try {
                socket.connect(agent, open == null ? left(deadline) : Math.min(left(deadline), CONNECT_MILLIS));
            } catch (SocketTimeoutException e) {
                return new Answer.Unreachable("no answer to the first packet to " + agent);
            } catch (NoRouteToHostException e) {
                return new Answer.Unreachable(agent + ": " + e.getMessage());
            } catch (ConnectException e) {
                String text = agent + ": " + e.getMessage();
                // Java has one exception for ECONNREFUSED and ETIMEDOUT.
                return text.contains("timed out") ? new Answer.Unreachable(text) : new Answer.Refused(text);
            } catch (SocketException e) {
                interrupted(e);
                return new Answer.Unreachable(agent + ": " + e.getMessage());
            }
            if (!may.getAsBoolean()) {
                return WAITING;
            }
            byte[] answer;
            try {
                // HTTP/1.0: the answer ends with the connection, and comes in one piece.
                socket.getOutputStream()
                        .write(("GET " + path + " HTTP/1.0\r\nHost: agent\r\nAccept: application/json\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                answer = read(socket, deadline);
            } catch (SocketTimeoutException e) {
                return new Answer.Silent(agent + " accepted the connection and said nothing in time");
            } catch (SocketException e) {
                interrupted(e);
                return new Answer.Closed(agent + " accepted the connection and broke it: " + e.getMessage());
            }
            return answer.length == 0
                    ? new Answer.Closed(agent + " accepted the connection and closed it without a word")
                    : parse(new String(answer, StandardCharsets.UTF_8));
        } catch (IOException e) {
            interrupted(e);
            return new Answer.Unreachable(agent + ": " + e);
        }
    }

    /** A virtual thread that is interrupted in a socket's operation finds its socket closed. */
    private static void interrupted(IOException e) throws InterruptedException {
        if (Thread.interrupted()) {
            var interrupted = new InterruptedException("interrupted while asking an agent");
            interrupted.initCause(e);
            throw interrupted;
        }
    }

    /** Milliseconds to the deadline, at least 1, because 0 would be for ever. */
    private static int left(long deadline) throws SocketTimeoutException {
        long millis = Duration.ofNanos(deadline - System.nanoTime()).toMillis();
        if (millis <= 0) {
            throw new SocketTimeoutException("the deadline has passed");
        }
        return (int) Math.min(millis, Integer.MAX_VALUE);
    }

    private static byte[] read(Socket socket, long deadline) throws IOException {
        var answer = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        InputStream in = socket.getInputStream();
        while (answer.size() < MAX_ANSWER) {
            socket.setSoTimeout(left(deadline));
            int count = in.read(buffer);
            if (count < 0 || whole(answer, buffer, count)) {
                break;
            }
        }
        return answer.toByteArray();
    }

    /** Adds what was read; true when the answer's Content-Length has been reached, so that a server that keeps the connection open is no wait. */
    private static boolean whole(ByteArrayOutputStream answer, byte[] buffer, int count) {
        answer.write(buffer, 0, count);
        String text = answer.toString(StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            return false;
        }
        for (String header : text.substring(0, end).split("\r\n", -1)) {
            String lower = header.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-length:")) {
                String length = lower.substring("content-length:".length()).strip();
                return length.matches("\\d{1,9}") && answer.size() >= end + 4 + Integer.parseInt(length);
            }
        }
        return false;
    }

    private static Answer parse(String answer) {
        int end = answer.indexOf("\r\n\r\n");
        String first = ConsoleLines.clean(answer.lines().findFirst().orElse(""));
        if (!first.matches("HTTP/1\\.[01] 200 .*") || end < 0) {
            return new Answer.Wrong("the answer to GET /health began with: " + first);
        }
        try {
            Health health = JSON.readValue(answer.substring(end + 4), Health.class);
            // The record's fields are filled from outside: whatever was left out is null.
            String lacking = isNull(health)
                    ? "everything"
                    : isNull(health.status())
                            ? "status"
                            : isNull(health.machineId()) ? "machineId" : isNull(health.parts()) ? "parts" : "";
            if (!lacking.isEmpty()) {
                return new Answer.Wrong("the answer to GET /health lacks " + lacking + ": "
                        + ConsoleLines.clean(answer.substring(end + 4)));
            }
            return new Answer.Healthy(health);
        } catch (JacksonException e) {
            return new Answer.Wrong("the answer to GET /health is not the JSON of an agent");
        }
    }

    private static boolean isNull(@Nullable Object value) {
        return value == null;
    }
}
