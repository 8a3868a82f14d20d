package dev.sallyport.machine.qemu;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sallyport.agentapi.JsonBuffers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speaks QEMU's Machine Protocol over a connected socket: a line of JSON a message, each at most {@value #MAX_MESSAGE} bytes
 * (QEMU's docs/interop/qmp-spec). A virtual thread reads; commands may be given by several threads.
 */
public final class QmpClient implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(QmpClient.class);
    private static final int MAX_MESSAGE = 1 << 20;
    /** Between two looks at a full queue. */
    private static final Duration QUEUE = Duration.ofMillis(20);

    private static final ObjectMapper JSON = new ObjectMapper(JsonBuffers.defaults());

    private final SocketChannel channel;
    private final Consumer<JsonNode> events;
    private final ReentrantLock writing = new ReentrantLock();
    private final AtomicLong lastId = new AtomicLong();
    private final ConcurrentHashMap<Long, CompletableFuture<JsonNode>> pending = new ConcurrentHashMap<>();
    private final CompletableFuture<IOException> ended = new CompletableFuture<>();

    /**
     * Starts to read.
     *
     * @param channel connected to QEMU; closed with this client
     * @param events is given each event in the thread that reads: it must be quick
     */
    public QmpClient(SocketChannel channel, Consumer<JsonNode> events) {
        this.channel = channel;
        this.events = events;
        Thread.ofVirtual().name("qmp").start(this::read);
    }

    /**
     * Connects to a socket at which QEMU listens, and leaves the negotiation mode. QEMU has room for one connection: it takes the next
     * when that is closed.
     *
     * @param events is given each event in the thread that reads: it must be quick
     * @param atMost how long both may take
     * @throws IOException when nobody listens there, or QEMU has not answered in time
     * @throws InterruptedException when the calling thread is interrupted
     */
    static QmpClient connect(Path socket, Consumer<JsonNode> events, Duration atMost)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        var client = new QmpClient(connected(socket, deadline), events);
        try {
            client.negotiate(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
            return client;
        } catch (IOException | InterruptedException | RuntimeException e) {
            client.close();
            throw e;
        }
    }

    private static SocketChannel connected(Path socket, long deadline) throws IOException, InterruptedException {
        while (true) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                // A blocking connect(2) has no deadline where the queue is full; a failing one is not told when there
                // is room.
                channel.configureBlocking(false);
                if (channel.connect(UnixDomainSocketAddress.of(socket))) {
                    channel.configureBlocking(true);
                    return channel;
                }
            } catch (SocketException e) {
                // A full queue (EAGAIN, unix(7)) has no exception of its own in Java; that nobody listens has.
                if (e instanceof ConnectException || !Files.exists(socket)) {
                    channel.close();
                    throw e;
                }
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            channel.close();
            if (System.nanoTime() >= deadline) {
                throw new IOException("others wait at " + socket + ", and nobody is let in");
            }
            Thread.sleep(QUEUE);
        }
    }

    /**
     * Leaves the negotiation mode in which every connection begins. QEMU answers when it has made all of its devices.
     *
     * @throws IOException when it refuses, ends, or does not answer in time
     * @throws InterruptedException when the calling thread is interrupted
     */
    public void negotiate(Duration atMost) throws IOException, InterruptedException {
        execute("qmp_capabilities", Map.of(), atMost);
    }

    /**
     * Gives a command and waits for its answer.
     *
     * @param command the command's name
     * @param arguments its arguments
     * @param atMost how long to wait
     * @return the value of {@code return}
     * @throws IOException when QEMU answers with an error, ends, or does not answer in time
     * @throws InterruptedException when the calling thread is interrupted
     */
    public JsonNode execute(String command, Map<String, ?> arguments, Duration atMost)
            throws IOException, InterruptedException {
        long id = lastId.incrementAndGet();
        ObjectNode message = JSON.createObjectNode().put("execute", command).put("id", id);
        if (!arguments.isEmpty()) {
            message.set("arguments", JSON.valueToTree(arguments));
        }
        var answer = new CompletableFuture<JsonNode>();
        pending.put(id, answer);
        try {
            write(JSON.writeValueAsBytes(message));
            CompletableFuture.anyOf(answer, ended).get(atMost.toNanos(), TimeUnit.NANOSECONDS);
            if (!answer.isDone()) {
                throw new IOException("QEMU ended before it answered '" + command + "'", ended.get());
            }
            JsonNode said = answer.get();
            if (said.has("error")) {
                throw new IOException("QEMU refused '" + command + "': "
                        + said.path("error").path("desc").asText("no reason"));
            }
            return said.path("return");
        } catch (ExecutionException e) {
            throw new IllegalStateException("completed with values alone", e);
        } catch (TimeoutException e) {
            throw new IOException("QEMU did not answer '" + command + "' in " + atMost.toMillis() + " ms", e);
        } finally {
            pending.remove(id);
        }
    }

    /** Waits until QEMU has closed the connection and everything that it said has been read; false when it has not {@code atMost}. */
    boolean awaitEnd(Duration atMost) throws InterruptedException {
        try {
            ended.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException("completed with a value alone", e);
        }
    }

    /** Why the connection ended; only once it has. */
    IOException end() {
        return ended.resultNow();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("closing a QMP connection: {}", e.toString());
        }
    }

    private void write(byte[] json) throws IOException {
        ByteBuffer line =
                ByteBuffer.allocate(json.length + 1).put(json).put((byte) '\n').flip();
        writing.lock();
        try {
            while (line.hasRemaining()) {
                channel.write(line);
            }
        } finally {
            writing.unlock();
        }
    }

    private void read() {
        IOException reason = new IOException("QEMU closed the connection");
        var line = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        try (channel) {
            while (channel.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    byte b = buffer.get();
                    if (b == '\n') {
                        take(line.toString(StandardCharsets.UTF_8));
                        line.reset();
                    } else if (line.size() < MAX_MESSAGE) {
                        line.write(b);
                    } else {
                        throw new IOException("QEMU sent a message of more than " + MAX_MESSAGE + " bytes");
                    }
                }
                buffer.clear();
            }
        } catch (IOException e) {
            reason = e;
        } finally {
            ended.complete(reason);
        }
    }

    private void take(String line) throws IOException {
        if (line.isBlank()) {
            return;
        }
        JsonNode message;
        try {
            message = JSON.readTree(line);
        } catch (JacksonException e) {
            throw new IOException("QEMU sent what is not JSON", e);
        }
        if (message.has("event")) {
            events.accept(message);
            return;
        }
        CompletableFuture<JsonNode> waiting = pending.get(message.path("id").asLong(-1));
        if (waiting != null) {
            waiting.complete(message);
        }
        // What is left is the greeting.
    }
}
