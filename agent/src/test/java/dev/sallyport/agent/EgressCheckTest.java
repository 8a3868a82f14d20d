package dev.sallyport.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class EgressCheckTest {
    private static final EgressCheck.Patience QUICK = new EgressCheck.Patience(
            3, Duration.ofMillis(1), Duration.ofMillis(20), Duration.ofSeconds(5), Duration.ofMillis(50));

    private final Parts parts = new Parts();
    private final Log log = new Log(System.err);

    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened) {
            each.close();
        }
    }

    private ServerSocket listening(int port) throws IOException {
        var server = new ServerSocket();
        opened.add(server);
        server.setReuseAddress(true);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return server;
    }

    private String check(int port, Runnable before) {
        String proxy = "127.0.0.1:" + port;
        opened.add(EgressCheck.start(proxy, QUICK, parts, log, before).orElseThrow());
        return proxy;
    }

    private void await(String state) throws InterruptedException {
        while (!state.equals(parts.snapshot().get(EgressCheck.EGRESS))) {
            Thread.sleep(Duration.ofMillis(2));
        }
    }

    @Test
    void aGatewayThatHoldsConnectionsIsOk() throws Exception {
        check(listening(0).getLocalPort(), () -> {});

        await(Parts.OK);
    }

    @Test
    void nothingIsLookedForBeforeItsTimeAndNothingWaitsForIt() throws Exception {
        var late = new CompletableFuture<Boolean>();
        check(listening(0).getLocalPort(), late::join);

        assertThat(parts.snapshot()).containsEntry(EgressCheck.EGRESS, Parts.STARTING);
        assertThat(parts.settled()).isTrue();
        late.complete(true);
        await(Parts.OK);
    }

    @Test
    void aRefusalIsNamedAndForgottenWhenTheGatewayComes() throws Exception {
        ServerSocket gone = listening(0);
        int port = gone.getLocalPort();
        gone.close();

        String proxy = check(port, () -> {});

        await("failed: connection refused by " + proxy);
        assertThat(listening(port).isBound()).isTrue();
        await(Parts.OK);
    }

    @Test
    void aConnectionThatIsClosedAtOnceLeadsNowhere() throws Exception {
        ServerSocket server = listening(0);
        Thread closing = Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    server.accept().close();
                }
            } catch (IOException e) {
                assertThat(server.isClosed()).isTrue();
            }
        });

        String proxy = check(server.getLocalPort(), () -> {});

        await("failed: connection closed at once by " + proxy);
        server.close();
        closing.join();
    }

    @ParameterizedTest
    @ValueSource(strings = {"host", ":3128", "host:", "host:70000", "host:3128x"})
    void anotherFormIsRefused(String proxy) {
        assertThatThrownBy(() -> EgressCheck.start(proxy, QUICK, parts, log, () -> {}))
                .hasMessageContaining("the fact proxy is '" + proxy + "'");
    }

    @Test
    void withoutAWayOutThereIsNoPart() {
        assertThat(EgressCheck.start("", QUICK, parts, log, () -> {})).isEmpty();
        assertThat(parts.snapshot()).isEmpty();
    }
}
