package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a machine that is restored waits for, by a monitor that takes every state. */
@Timeout(60)
class QemuRestoreTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Optional<String>> rules = new CompletableFuture<>();

    @Test
    void itGoesOnWhenItsNetworkIsGuardedAndIsToldWhoItIs() throws Exception {
        rules.complete(Optional.empty());
        Path console = Files.createFile(folder.resolve("console"));
        restore(console);
        assertThat(commands).containsExactly("migrate-set-capabilities", "migrate-incoming", "cont");
        assertThat(Files.readString(console)).contains("machine_id=m-clone\n", "seed=", "time_ms=");
    }

    @Test
    void itDoesNotGoOnWhenItsNetworkCannotBeGuarded() throws Exception {
        rules.complete(Optional.of("nft says: no"));
        Path console = Files.createFile(folder.resolve("console"));
        assertThatThrownBy(() -> restore(console)).isInstanceOfSatisfying(FailureException.class, e -> {
            assertThat(e.reason().code()).isEqualTo(CauseCode.TEMPLATE_UNUSABLE);
            assertThat(e.reason().evidence()).contains("nft says: no");
        });
        assertThat(commands).containsExactly("migrate-set-capabilities", "migrate-incoming");
        assertThat(console).isEmptyFile();
    }

    @Test
    void whatIsNamedStaysNamed() throws Exception {
        rules.completeExceptionally(FailureException.of(CauseCode.HYPERVISOR_MISSING, "nft cannot be run."));
        Path console = Files.createFile(folder.resolve("console"));
        assertThatThrownBy(() -> restore(console))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.reason().code()).isEqualTo(CauseCode.HYPERVISOR_MISSING));
        assertThat(commands).doesNotContain("cont");
    }

    private void restore(Path console) throws Exception {
        var events = new QemuMachine.Events();
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(folder.resolve("qmp.sock")));
            SocketChannel client = SocketChannel.open(server.getLocalAddress());
            SocketChannel monitor = server.accept();
            Thread answering = Thread.ofVirtual().start(() -> answer(monitor));
            try (var qmp = new QmpClient(client, events::accept)) {
                QemuRestore.load(qmp, events, new CompletableFuture<>());
                new QemuRestore(console, new Guard(rules), Map.of("machine_id", "m-clone")).goOn(qmp);
            } finally {
                answering.join();
            }
        }
    }

    private void answer(SocketChannel monitor) {
        try (monitor;
                var lines = new BufferedReader(Channels.newReader(monitor, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode command = JSON.readTree(line);
                commands.add(command.path("execute").asText());
                send(monitor, "{\"id\":" + command.path("id") + ",\"return\":{}}\n");
                if (command.path("execute").asText().equals("migrate-incoming")) {
                    send(monitor, "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"completed\"}}\n");
                }
            }
        } catch (IOException e) {
            commands.add(e.toString());
        }
    }

    private static void send(SocketChannel monitor, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            monitor.write(bytes);
        }
    }
}
