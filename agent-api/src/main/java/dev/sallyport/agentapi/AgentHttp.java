package dev.sallyport.agentapi;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The little HTTP/1.1 (RFC 9112) that an agent is asked by: one connection a request, so that none outlives its machine and
 * meets another at the same address; one deadline for all of it, however slowly bytes drip; one limit to what is read.
 */
final class AgentHttp implements AutoCloseable {
    private final InetSocketAddress address;
    private final Secret token;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    AgentHttp(InetSocketAddress address, Secret token) {
        this.address = address;
        this.token = token;
    }

    /**
     * An answer.
     *
     * @param status the HTTP status
     * @param body at most as long as was allowed
     */
    @SuppressWarnings("ArrayRecordComponent") // Parsed once, never compared.
    record Answer(int status, byte[] body) {}

    /**
     * Asks.
     *
     * @param body JSON; empty for none
     * @param withToken whether the token is sent
     * @param limit most bytes of the answer's body
     * @param atMost the deadline for all of it
     * @throws FailureException MACHINE_UNREACHABLE, or AGENT_WRONG when what answers does not speak as an agent does
     */
    Answer ask(String method, String target, byte[] body, boolean withToken, int limit, Duration atMost)
            throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        try (var socket = new Socket()) {
            open.add(socket);
            try {
                if (closed) {
                    throw new IOException("the machine is gone");
                }
                socket.setTcpNoDelay(true);
                socket.connect(address, left(deadline));
                socket.getOutputStream().write(request(method, target, body, withToken));
                return read(new Timed(socket, deadline), limit);
            } finally {
                open.remove(socket);
            }
        } catch (IOException e) {
            // A virtual thread that is interrupted in a socket's operation finds its socket closed.
            if (Thread.interrupted()) {
                var interrupted = new InterruptedException("interrupted while asking an agent");
                interrupted.initCause(e);
                throw interrupted;
            }
            throw new FailureException(
                    dev.sallyport.model.Cause.of(
                            CauseCode.MACHINE_UNREACHABLE,
                            method + " " + pathOf(target) + " was not answered.",
                            String.valueOf(e.getMessage())),
                    e);
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Socket socket : open) {
            try {
                socket.close();
            } catch (IOException e) {
                throw new IllegalStateException("closing a socket does no I/O that could fail", e);
            }
        }
    }

    private byte[] request(String method, String target, byte[] body, boolean withToken) {
        var head = new StringBuilder()
                .append(method)
                .append(' ')
                .append(target)
                .append(" HTTP/1.1\r\nHost: agent\r\nAccept: application/json\r\nConnection: close\r\n");
        if (withToken) {
            head.append("Authorization: Bearer ").append(token.reveal()).append("\r\n");
        }
        if (body.length > 0 || method.equals("POST")) {
            head.append("Content-Type: application/json\r\nContent-Length: ")
                    .append(body.length)
                    .append("\r\n");
        }
        byte[] start = head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII);
        byte[] whole = java.util.Arrays.copyOf(start, start.length + body.length);
        System.arraycopy(body, 0, whole, start.length, body.length);
        return whole;
    }

    private static Answer read(Timed in, int limit) throws IOException {
        HttpHead head = HttpHead.read(in::read);
        long length = head.contentLength();
        if (length > limit) {
            throw wrong("its answer is longer than " + limit + " bytes");
        }
        // An agent always says the length; without it the body goes on to the connection's end.
        byte[] body = in.read(length < 0 ? limit + 1 : (int) length, length >= 0);
        if (body.length > limit) {
            throw wrong("its answer is longer than " + limit + " bytes");
        }
        return new Answer(head.status(), body);
    }

    static FailureException wrong(String why) {
        return FailureException.of(CauseCode.AGENT_WRONG, "What answered is no agent: " + why + ".");
    }

    static String pathOf(String target) {
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }

    /** Milliseconds to the deadline, at least 1, because 0 would be for ever. */
    static int left(long deadline) throws SocketTimeoutException {
        long millis = Duration.ofNanos(deadline - System.nanoTime()).toMillis();
        if (millis <= 0) {
            throw new SocketTimeoutException("the deadline has passed");
        }
        return (int) Math.min(millis, Integer.MAX_VALUE);
    }

    /** Reads up to a deadline, through a small buffer: a head is read byte by byte, and each would be a system call. */
    private static final class Timed {
        /** An answer's head and its few words; it is held for as long as a long poll waits. */
        private static final int BUFFER = 512;

        private final Socket socket;
        private final long deadline;
        private final byte[] buffer = new byte[BUFFER];
        private int at;
        private int end;

        Timed(Socket socket, long deadline) {
            this.socket = socket;
            this.deadline = deadline;
        }

        int read() throws IOException {
            if (at == end) {
                int count = readSome(buffer, buffer.length);
                if (count < 0) {
                    return -1;
                }
                at = 0;
                end = count;
            }
            return buffer[at++] & 0xff;
        }

        byte[] read(int most, boolean exactly) throws IOException {
            var bytes = new ByteArrayOutputStream();
            int buffered = Math.min(most, end - at);
            bytes.write(buffer, at, buffered);
            at += buffered;
            byte[] more = new byte[Math.clamp(most - bytes.size(), 1, 64 * 1024)];
            while (bytes.size() < most) {
                int count = readSome(more, Math.min(more.length, most - bytes.size()));
                if (count < 0) {
                    if (exactly) {
                        throw new IOException("the answer ends too early");
                    }
                    break;
                }
                bytes.write(more, 0, count);
            }
            return bytes.toByteArray();
        }

        private int readSome(byte[] into, int most) throws IOException {
            socket.setSoTimeout(left(deadline));
            return socket.getInputStream().read(into, 0, most);
        }
    }
}
