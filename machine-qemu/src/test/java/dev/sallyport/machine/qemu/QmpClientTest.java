package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.machine.ProcessIdentity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class QmpClientTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final String MARKER = "qmp-test-" + UUID.randomUUID();

    @TempDir
    Path folder;

    private final LinkedBlockingQueue<JsonNode> events = new LinkedBlockingQueue<>();
    private ServerSocketChannel server;

    QmpClientTest() throws IOException {
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    }

    @BeforeEach
    void listen() throws IOException {
        server.bind(UnixDomainSocketAddress.of(folder.resolve("qmp.sock")));
    }

    @AfterEach
    void close() throws Exception {
        server.close();
        assertThat(ProcessIdentity.killAll(MARKER, LONG)).isEmpty();
    }

    private StartedHypervisor qemu() {
        Assumptions.assumeTrue(
                List.of("/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64").stream()
                        .anyMatch(file -> Path.of(file).toFile().canExecute()),
                "qemu-system-x86_64 is not here");
        return StartedHypervisor.start(
                List.of(
                        "qemu-system-x86_64",
                        "-S",
                        "-machine",
                        "none",
                        "-nodefaults",
                        "-display",
                        "none",
                        "-chardev",
                        "socket,id=monitor,path=qmp.sock",
                        "-mon",
                        "chardev=monitor,mode=control"),
                folder,
                Optional.empty(),
                MARKER);
    }

    @Test
    void aRealQemuAnswersRefusesTellsAndEnds() throws Exception {
        Hypervisor qemu = qemu();
        try (var qmp = new QmpClient(server.accept(), events::add)) {
            qmp.negotiate(LONG);
            assertThat(qmp.execute("query-status", Map.of(), LONG)
                            .path("running")
                            .asBoolean(true))
                    .isFalse();
            assertThat(qmp.execute("query-version", Map.of(), LONG)
                            .path("qemu")
                            .path("major")
                            .asInt())
                    .isGreaterThanOrEqualTo(7);
            assertThatThrownBy(() -> qmp.execute("no-such-command", Map.of(), LONG))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no-such-command");
            qmp.execute("cont", Map.of(), LONG);
            assertThat(event("RESUME")).isNotNull();
            assertThat(qmp.awaitEnd(Duration.ofMillis(50))).isFalse();
            qmp.execute("quit", Map.of(), LONG);
            assertThat(event("SHUTDOWN").path("data").path("reason").asText()).isEqualTo("host-qmp-quit");
            assertThat(qmp.awaitEnd(LONG)).isTrue();
            assertThat(qemu.exit().get(30, TimeUnit.SECONDS)).isZero();
        }
    }

    @Test
    void aQemuThatIsKilledEndsTheWait() throws Exception {
        Hypervisor qemu = qemu();
        try (var qmp = new QmpClient(server.accept(), events::add)) {
            qmp.negotiate(LONG);
            assertThat(ProcessIdentity.killAll(MARKER, LONG)).isEmpty();
            assertThatThrownBy(() -> qmp.execute("query-status", Map.of(), LONG))
                    .isInstanceOf(IOException.class);
            assertThat(qmp.awaitEnd(LONG)).isTrue();
            assertThat(qemu.exit().get(30, TimeUnit.SECONDS)).isEqualTo(137);
        }
    }

    @Test
    void aServerThatIsSilentMeetsTheDeadline() throws Exception {
        try (SocketChannel client = SocketChannel.open(server.getLocalAddress());
                SocketChannel silent = server.accept();
                var qmp = new QmpClient(client, events::add)) {
            assertThat(silent.isOpen()).isTrue();
            assertThatThrownBy(() -> qmp.execute("query-status", Map.of(), Duration.ofMillis(100)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("did not answer");
        }
    }

    @Test
    void aFullQueueIsWaitedAtAndAMissingServerIsNot() throws Exception {
        Path socket = folder.resolve("full.sock");
        var others = new ArrayList<SocketChannel>();
        var connecting = new CompletableFuture<QmpClient>();
        try (ServerSocketChannel full = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            full.bind(UnixDomainSocketAddress.of(socket), 1);
            fill(socket, others);
            Thread.ofVirtual().start(() -> connect(socket, connecting));
            // Whatever the kernel lets wait beyond a backlog of one: those come first, then the client.
            for (SocketChannel other : others) {
                other.close();
                full.accept().close();
            }
            var _ = connecting.whenComplete((client, failure) -> {
                if (failure != null) {
                    closeQuietly(full); // Else it would be waited for below.
                }
            });
            try (SocketChannel accepted = full.accept()) {
                assertThat(accepted.read(ByteBuffer.allocate(1024)))
                        .as("its first command")
                        .isPositive();
                accepted.write(ByteBuffer.wrap("{\"id\":1,\"return\":{}}\n".getBytes(StandardCharsets.UTF_8)));
                connecting.get(30, TimeUnit.SECONDS).close();
            }
        } finally {
            assertThat(connecting).isDone();
            for (SocketChannel other : others) {
                other.close();
            }
        }
        assertThatThrownBy(() -> QmpClient.connect(socket, events::add, LONG))
                .as("nobody listens any more")
                .isInstanceOf(ConnectException.class);
    }

    private static void fill(Path socket, List<SocketChannel> others) throws IOException {
        while (others.size() < 100) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.configureBlocking(false);
            try {
                if (channel.connect(UnixDomainSocketAddress.of(socket))) {
                    others.add(channel);
                    continue;
                }
            } catch (SocketException e) {
                // As full as the kernel says it is.
            }
            channel.close();
            return;
        }
        throw new IOException("a queue of one holds " + others.size());
    }

    private void connect(Path socket, CompletableFuture<QmpClient> connecting) {
        try {
            connecting.complete(QmpClient.connect(socket, events::add, LONG));
        } catch (IOException | InterruptedException e) {
            connecting.completeExceptionally(e);
        }
    }

    private static void closeQuietly(ServerSocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void messagesAreBoundedAndMustBeJson() throws Exception {
        assertThat(endAfter("this is no JSON\n")).contains("not JSON");
        assertThat(endAfter("x".repeat((1 << 20) + 10))).contains("more than");
        assertThat(endAfter("[1,2,3]\n\n{\"id\":77,\"return\":{}}\n")).contains("closed the connection");
    }

    /** What the client says of its end when a server sends {@code text} and hangs up. */
    private String endAfter(String text) throws Exception {
        try (SocketChannel client = SocketChannel.open(server.getLocalAddress());
                SocketChannel hostile = server.accept();
                var qmp = new QmpClient(client, events::add)) {
            Thread sender = Thread.ofVirtual().start(() -> {
                try {
                    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                    while (bytes.hasRemaining()) {
                        hostile.write(bytes);
                    }
                    hostile.shutdownOutput();
                } catch (IOException e) {
                    // The client has hung up, which is what is asked for.
                }
            });
            assertThat(qmp.awaitEnd(LONG)).isTrue();
            sender.join();
            return String.valueOf(qmp.end().getMessage());
        }
    }

    private JsonNode event(String name) throws InterruptedException {
        JsonNode event = events.poll(20, TimeUnit.SECONDS);
        while (event != null && !event.path("event").asText().equals(name)) {
            event = events.poll(20, TimeUnit.SECONDS);
        }
        assertThat(event).as(name).isNotNull();
        return Objects.requireNonNull(event);
    }
}
