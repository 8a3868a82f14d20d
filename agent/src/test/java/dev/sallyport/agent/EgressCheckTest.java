package dev.sallyport.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
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

    private static ServerSocket listening(int port) throws IOException {
        var server = new ServerSocket();
        server.setReuseAddress(true);
        server.bind(new java.net.InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
        return server;
    }

    private void await(String state) throws InterruptedException {
        while (!state.equals(parts.snapshot().get(EgressCheck.EGRESS))) {
            Thread.sleep(Duration.ofMillis(2));
        }
    }

    @Test
    void aGatewayThatHoldsConnectionsIsOk() throws Exception {
        try (ServerSocket server = listening(0);
                var check = EgressCheck.start("127.0.0.1:" + server.getLocalPort(), QUICK, parts, log, () -> {})
                        .orElseThrow()) {
            await(Parts.OK);
        }
    }

    @Test
    void nothingIsLookedForBeforeItsTimeAndNothingWaitsForIt() throws Exception {
        var late = new CountDownLatch(1);
        try (ServerSocket server = listening(0);
                var check = EgressCheck.start("127.0.0.1:" + server.getLocalPort(), QUICK, parts, log, () -> {
                            try {
                                late.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        })
                        .orElseThrow()) {
            assertThat(parts.snapshot()).containsEntry(EgressCheck.EGRESS, Parts.STARTING);
            assertThat(parts.settled()).isTrue();
            late.countDown();
            await(Parts.OK);
        }
    }

    @Test
    void aRefusalIsNamedAndForgottenWhenTheGatewayComes() throws Exception {
        int port;
        try (ServerSocket gone = listening(0)) {
            port = gone.getLocalPort();
        }
        try (var check = EgressCheck.start("127.0.0.1:" + port, QUICK, parts, log, () -> {})
                .orElseThrow()) {
            await("failed: connection refused by 127.0.0.1:" + port);
            try (ServerSocket server = listening(port)) {
                await(Parts.OK);
            }
        }
    }

    @Test
    void aConnectionThatIsClosedAtOnceLeadsNowhere() throws Exception {
        try (ServerSocket server = listening(0)) {
            Thread closing = Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        server.accept().close();
                    }
                } catch (IOException e) {
                    assertThat(server.isClosed()).isTrue();
                }
            });
            String proxy = "127.0.0.1:" + server.getLocalPort();
            try (var check =
                    EgressCheck.start(proxy, QUICK, parts, log, () -> {}).orElseThrow()) {
                await("failed: connection closed at once by " + proxy);
            }
            server.close();
            closing.join();
        }
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
