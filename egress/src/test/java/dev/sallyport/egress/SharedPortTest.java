package dev.sallyport.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SharedPortTest {
    private static final InetAddress ONE = InetAddress.ofLiteral("127.77.0.1");
    private static final InetAddress TWO = InetAddress.ofLiteral("127.77.0.2");
    private static final InetAddress NONE = InetAddress.ofLiteral("127.77.0.3");
    private static final EgressSettings FEW = new EgressSettings(
            Optional.empty(),
            2,
            Duration.ofSeconds(20),
            Duration.ofSeconds(30),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5));

    private final BlockingQueue<EgressEvent> events = new LinkedBlockingQueue<>();
    private TlsServer server;
    private EgressGateway gateway;
    private int port;

    @BeforeEach
    void start() throws Exception {
        server = new TlsServer();
        gateway = new EgressGateway(FEW.sharingPorts(true), (host, any) -> List.of(server.address()), address -> true);
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
    }

    @AfterEach
    void stop() throws Exception {
        gateway.close();
        server.close();
    }

    private EgressGateway.Door door(InetAddress address, String... hosts) throws IOException {
        return gateway.open(MachineId.random(), address, port, AllowList.of(List.of(hosts)), events::add);
    }

    private static Client client(EgressGateway.Door door) throws IOException {
        return new Client(door.address());
    }

    @Test
    void eachDoorHasItsOwnHostsItsOwnShareAndItsOwnCount() throws Exception {
        EgressGateway.Door one = door(ONE, TlsServer.HOST);
        EgressGateway.Door two = door(TWO, "other.example");
        assertThat(one.address()).isEqualTo(new InetSocketAddress(ONE, port));
        assertThat(two.address()).isEqualTo(new InetSocketAddress(TWO, port));
        try (Client first = client(one);
                Client second = client(one);
                Client third = client(one);
                Client other = client(two)) {
            assertThat(first.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
            assertThat(second.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
            assertThat(third.head()).startsWith("HTTP/1.1 503 Too many connections");
            assertThat(two.traffic()).isEqualTo(new EgressGateway.Traffic(0, 0, 1));
            assertThat(other.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 403 ");
            assertThat(events.take().host()).isEqualTo(TlsServer.HOST);
            assertThat(two.traffic().sent()).isPositive();
        }
    }

    @Test
    void whatComesToNoDoorIsTurnedAwayWithoutAWord() throws Exception {
        EgressGateway.Door one = door(ONE, TlsServer.HOST);
        for (InetAddress address : List.of(NONE, InetAddress.getLoopbackAddress())) {
            assertEnded(new InetSocketAddress(address, port));
        }
        try (Client still = client(one)) {
            assertThat(still.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
        }
    }

    /** A connection there is ended, whether its client finds that out by reading or by writing. */
    private static void assertEnded(InetSocketAddress address) throws IOException {
        try (var client = new Client(address)) {
            String answer;
            try {
                answer = client.connect(TlsServer.HOST + ":443");
            } catch (IOException e) {
                answer = "";
            }
            assertThat(answer).isEmpty();
        }
    }

    @Test
    void oneThatClosesTakesItsOwnConnectionsAlongAndTheLastThePort() throws Exception {
        EgressGateway.Door one = door(ONE, TlsServer.HOST);
        EgressGateway.Door two = door(TWO, TlsServer.HOST);
        try (Client gone = client(one);
                Client stays = client(two)) {
            assertThat(gone.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
            assertThat(stays.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
            one.close();
            assertThat(gone.read()).isEqualTo(-1);
            assertEnded(one.address());
            stays.tls(server, TlsServer.HOST);
        }
        try (EgressGateway.Door again = door(ONE, TlsServer.HOST);
                Client anew = client(again)) {
            assertThat(anew.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
        }
        two.close();
        new ServerSocket(port, 1, NONE).close();
    }

    @Test
    void whereOthersHoldThePortEachListensForItself() throws Exception {
        try (var other = new ServerSocket(port, 1, NONE)) {
            EgressGateway.Door one = door(ONE, TlsServer.HOST);
            EgressGateway.Door two = door(TWO, TlsServer.HOST);
            for (EgressGateway.Door door : List.of(one, two)) {
                try (Client client = client(door)) {
                    assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
                }
            }
            assertThatThrownBy(() -> door(NONE))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on");
            assertThat(other.isClosed()).isFalse();
        }
    }

    @Test
    void anAddressThatIsTakenOrNotTheHostsIsAnIOException() throws Exception {
        EgressGateway.Door one = door(ONE, TlsServer.HOST);
        for (InetAddress address : List.of(ONE, InetAddress.ofLiteral("192.0.2.1"))) {
            assertThatThrownBy(() -> door(address))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on");
        }
        one.close();
        assertThatThrownBy(() -> door(InetAddress.ofLiteral("192.0.2.1"))).isInstanceOf(IOException.class);
        new ServerSocket(port).close();
    }
}
