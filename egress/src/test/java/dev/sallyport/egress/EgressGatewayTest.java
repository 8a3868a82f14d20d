package dev.sallyport.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.Secret;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class EgressGatewayTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    private static final EgressSettings QUICK = new EgressSettings(
            Optional.empty(),
            128,
            Duration.ofSeconds(20),
            Duration.ofSeconds(30),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5));

    private final BlockingQueue<EgressEvent> events = new LinkedBlockingQueue<>();
    private final Map<String, InetSocketAddress> addresses = new ConcurrentHashMap<>();
    private final List<AutoCloseable> parts = new ArrayList<>();
    private boolean trusted = true;
    private TlsServer server;

    @BeforeEach
    void start() throws Exception {
        server = new TlsServer();
        addresses.put(TlsServer.HOST, server.address());
    }

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable part : parts.reversed()) {
            part.close();
        }
        server.close();
    }

    /** The test's names, with ports of their own: what listens here on port 443 is none of the test's business. */
    private List<InetSocketAddress> resolve(String host, int port) throws UnknownHostException {
        InetSocketAddress address = addresses.get(host);
        if (address == null) {
            throw new UnknownHostException(host);
        }
        return List.of(address.getPort() == 0 ? new InetSocketAddress(address.getAddress(), port) : address);
    }

    /** A gateway whose names are the test's, and to which loopback, where the test's server is, is as good as public. */
    private EgressGateway gateway(EgressSettings settings) {
        var gateway = new EgressGateway(settings, this::resolve, address -> trusted || AddressRules.isPublic(address));
        parts.add(gateway);
        return gateway;
    }

    private EgressGateway.Door door(EgressGateway gateway, String... hosts) throws IOException {
        return gateway.open(MachineId.random(), LOOPBACK, 0, AllowList.of(List.of(hosts)), events::add);
    }

    private Client client(EgressGateway.Door door) throws IOException {
        var client = new Client(door.address());
        parts.add(client);
        return client;
    }

    private EgressEvent event() throws InterruptedException {
        EgressEvent event = events.poll(10, TimeUnit.SECONDS);
        assertThat(event).as("an event").isNotNull();
        return event;
    }

    private static String echo(SSLSocket socket, String text) throws IOException {
        socket.getOutputStream().write(("echo " + text + "\n").getBytes(StandardCharsets.UTF_8));
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8)).readLine();
    }

    @Test
    void aTunnelToAnAllowedHostCarriesTlsUntouched() throws Exception {
        EgressGateway.Door door = door(gateway(QUICK), TlsServer.HOST);
        Client client = client(door);

        String answer = client.connect(TlsServer.HOST + ":443");

        assertThat(answer)
                .startsWith("HTTP/1.1 200 ")
                .doesNotContain(InetAddress.getLocalHost().getHostName());
        assertThat(echo(client.tls(server, TlsServer.HOST), "hello")).isEqualTo("hello");
        assertThat(door.traffic().sent()).isGreaterThan(300);
        assertThat(door.traffic().received()).isGreaterThan(300);
        assertThat(door.traffic().connections()).isEqualTo(1);
        assertThat(events).isEmpty();
    }

    @Test
    void namesAreComparedWithoutCaseAndFinalDot() throws Exception {
        Client client = client(door(gateway(QUICK), TlsServer.HOST));
        assertThat(client.connect("API.vendor.EXAMPLE.:443")).startsWith("HTTP/1.1 200 ");
        assertThat(echo(client.tls(server, TlsServer.HOST), "hello")).isEqualTo("hello");
    }

    @Test
    void aWildcardAllowsWhatIsBelowADomain() throws Exception {
        addresses.put("vendor.example", server.address());
        addresses.put("deep.api.vendor.example", server.address());
        EgressGateway.Door door = door(gateway(QUICK), "*.vendor.example");

        assertThat(client(door).connect("api.vendor.example:443")).startsWith("HTTP/1.1 200 ");
        assertThat(client(door).connect("deep.api.vendor.example:443")).startsWith("HTTP/1.1 200 ");
        assertThat(client(door).connect("vendor.example:443")).startsWith("HTTP/1.1 403 ");
        assertThat(client(door).connect("evilvendor.example:443")).startsWith("HTTP/1.1 403 ");
    }

    @ParameterizedTest
    @CsvSource({
        "other.example:443, Host not allowed",
        "api.vendor.example.evil.example:443, Host not allowed",
        "api.vendor.example:80, Host not allowed",
        "api.vendor.example:22, Host not allowed",
        "localhost:443, Host not allowed",
        "127.0.0.1:443, Address not allowed",
        "2130706433:443, Address not allowed",
        "0x7f000001:443, Address not allowed",
        "0177.0.0.1:443, Address not allowed",
        "[::1]:443, Address not allowed",
        "[::ffff:127.0.0.1]:443, Address not allowed",
        "169.254.169.254:443, Address not allowed"
    })
    void whatIsNotAllowedIsRefusedAndTold(String target, String phrase) throws Exception {
        Client client = client(door(gateway(QUICK), TlsServer.HOST));

        assertThat(client.connect(target))
                .startsWith("HTTP/1.1 403 " + phrase + "\r\n")
                .contains("text/plain");

        assertThat(client.rest()).startsWith("Sallyport: ").endsWith(".\n");
        EgressEvent event = event();
        assertThat(event.kind()).isEqualTo(EgressEvent.Kind.REFUSED);
        assertThat(event.kind().code()).isEqualTo(CauseCode.EGRESS_REFUSED);
        assertThat(target).startsWith(event.host());
        assertThat(server.accepted).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
                "224.0.0.1", "255.255.255.255", "168.63.129.16", "::1", "fe80::1", "fd00:ec2::254", "::ffff:10.0.0.1",
                "64:ff9b::a00:1", "2002:7f00:1::"
            })
    void aNameThatLeadsInsideIsRefused(String address) throws Exception {
        trusted = false;
        addresses.put(TlsServer.HOST, new InetSocketAddress(InetAddress.getByName(address), 0));
        Client client = client(door(gateway(QUICK), TlsServer.HOST));

        assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 403 Address not allowed\r\n");

        assertThat(event().reason())
                .isEqualTo("api.vendor.example resolves to an address that is not one of the public internet.");
        assertThat(server.accepted).hasValue(0);
    }

    @Test
    void publicAddressesAreReachableByTheRules() throws Exception {
        for (String address :
                List.of("1.1.1.1", "104.18.33.45", "172.64.154.211", "2606:4700::6810:84e5", "64:ff9b::808:808")) {
            assertThat(AddressRules.isPublic(InetAddress.getByName(address)))
                    .as(address)
                    .isTrue();
        }
    }

    @Test
    void plainHttpIsRefusedUnlessItIsListed() throws Exception {
        EgressGateway.Door door = door(gateway(QUICK), TlsServer.HOST, "http://plain.vendor.example");
        Client refused = client(door);

        assertThat(refused.request("GET http://api.vendor.example/ HTTP/1.1\r\nHost: api.vendor.example\r\n\r\n"))
                .startsWith("HTTP/1.1 403 Host not allowed\r\n");

        try (var plain = new ServerSocket(0, 5, LOOPBACK)) {
            addresses.put("plain.vendor.example", new InetSocketAddress(LOOPBACK, plain.getLocalPort()));
            Thread answering = Thread.ofVirtual().start(() -> answerPlainly(plain));
            Client allowed = client(door);
            assertThat(allowed.request("GET http://plain.vendor.example/x HTTP/1.1\r\nHost: evil.example\r\n\r\n"))
                    .startsWith("HTTP/1.1 200 GET /x HTTP/1.1 plain.vendor.example\r\n");
            assertThat(allowed.read()).isEqualTo('!');
            // The next request of the same connection is decided about again.
            assertThat(allowed.request("GET http://api.vendor.example/ HTTP/1.1\r\nHost: x\r\n\r\n"))
                    .startsWith("HTTP/1.1 403 Host not allowed\r\n");
            answering.join();
        }
    }

    private static void answerPlainly(ServerSocket listener) {
        try (Socket socket = listener.accept()) {
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String first = in.readLine();
            String host = "";
            for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
                if (line.toLowerCase(java.util.Locale.ROOT).startsWith("host: ")) {
                    host = line.substring(6);
                }
            }
            socket.getOutputStream()
                    .write(("HTTP/1.1 200 " + first + " " + host + "\r\nContent-Length: 1\r\n\r\n!")
                            .getBytes(StandardCharsets.UTF_8));
            in.readLine();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\nHost: api.vendor.example\r\n\r\n",
                "CONNECT api.vendor.example HTTP/1.1\r\n\r\n",
                "CONNECT :443 HTTP/1.1\r\n\r\n",
                "CONNECT http://api.vendor.example:443/ HTTP/1.1\r\n\r\n",
                "GET https://api.vendor.example/ HTTP/1.1\r\n\r\n",
                "GET http://user@api.vendor.example/ HTTP/1.1\r\n\r\n",
                "nonsense\r\n\r\n"
            })
    void whatIsNoRequestToAProxyIsRefused(String request) throws Exception {
        Client client = client(door(gateway(QUICK), TlsServer.HOST));
        assertThat(client.request(request)).matches("(?s)HTTP/1.1 40[03] .*");
        client.rest();
        assertThat(server.accepted).hasValue(0);
    }

    @Test
    void aHeadThatIsTooLongIsRefused() throws Exception {
        Client line = client(door(gateway(QUICK), TlsServer.HOST));
        assertThat(line.request("CONNECT " + "a".repeat(4000) + ":443 HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        Client head = client(door(gateway(QUICK), TlsServer.HOST));
        assertThat(head.request("CONNECT api.vendor.example:443 HTTP/1.1\r\nX: " + "a".repeat(20_000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(server.accepted).hasValue(0);
    }

    @Test
    void aHeadThatDoesNotComeEndsTheConnection() throws Exception {
        var settings = new EgressSettings(
                Optional.empty(), 128, Duration.ofMillis(300), QUICK.idle(), QUICK.resolve(), QUICK.connect());
        Client client = client(door(gateway(settings), TlsServer.HOST));
        client.send("CONNECT api.vendor");
        assertThat(client.read()).isEqualTo(-1);
    }

    @Test
    void anIdleTunnelIsClosed() throws Exception {
        var settings = new EgressSettings(
                Optional.empty(), 128, QUICK.head(), Duration.ofSeconds(5), QUICK.resolve(), QUICK.connect());
        EgressGateway.Door door = door(gateway(settings), TlsServer.HOST);
        Client client = client(door);
        client.connect(TlsServer.HOST + ":443");
        SSLSocket tls = client.tls(server, TlsServer.HOST);
        assertThat(echo(tls, "hello")).isEqualTo("hello");
        assertThat(client.rest()).doesNotContain("HTTP/1.1");
        assertThat(events).isEmpty();
    }

    @Test
    void aNameThatIsNotKnownIsUnreachable() throws Exception {
        Client client = client(door(gateway(QUICK), "gone.vendor.example"));
        assertThat(client.connect("gone.vendor.example:443")).startsWith("HTTP/1.1 502 Host not reachable\r\n");
        EgressEvent event = event();
        assertThat(event.kind().code()).isEqualTo(CauseCode.UPSTREAM_UNREACHABLE);
        assertThat(event.reason()).isEqualTo("The name gone.vendor.example has no address.");
    }

    @Test
    void aSlowResolverStopsNobodyElse() throws Exception {
        var hold = new CountDownLatch(1);
        var settings = new EgressSettings(
                Optional.empty(), 128, QUICK.head(), QUICK.idle(), Duration.ofMillis(400), QUICK.connect());
        var gateway = new EgressGateway(
                settings,
                (host, port) -> {
                    if (host.startsWith("slow")) {
                        awaitUninterruptibly(hold);
                    }
                    return resolve(host, port);
                },
                address -> true);
        parts.add(gateway);
        EgressGateway.Door slow = door(gateway, "*.vendor.example");
        List<Client> stuck = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Client client = client(slow);
            client.send("CONNECT slow" + i + ".vendor.example:443 HTTP/1.1\r\n\r\n");
            stuck.add(client);
        }

        Client other = client(door(gateway, TlsServer.HOST));
        assertThat(other.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");

        assertThat(stuck.getFirst().head()).startsWith("HTTP/1.1 502 Host not reachable\r\n");
        assertThat(event().reason()).contains("could not be resolved in time");
        hold.countDown();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // As the system's resolver, which cannot be interrupted either.
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aHostThatDoesNotAnswerIsUnreachable() throws Exception {
        server.close();
        Client client = client(door(gateway(QUICK), TlsServer.HOST));

        assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 502 Host not reachable\r\n");

        EgressEvent event = event();
        assertThat(event.kind()).isEqualTo(EgressEvent.Kind.UPSTREAM_UNREACHABLE);
        assertThat(event.reason()).isEqualTo("No connection to api.vendor.example:443 could be made: the connection was refused.");
    }

    private TestProxy proxy() throws IOException {
        var proxy = new TestProxy(server.address());
        parts.add(proxy);
        addresses.put("proxy.corp.example", new InetSocketAddress(LOOPBACK, 0));
        return proxy;
    }

    @Test
    void theUpstreamProxyIsAskedForTheHostByName() throws Exception {
        addresses.remove(TlsServer.HOST);
        TestProxy proxy = proxy();
        var upstream = new Upstream("proxy.corp.example", proxy.port(), "gate", Secret.of("key:word"));
        Client client = client(door(gateway(QUICK.through(upstream)), TlsServer.HOST));

        assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");

        assertThat(echo(client.tls(server, TlsServer.HOST), "hello")).isEqualTo("hello");
        String expected = Base64.getEncoder().encodeToString("gate:key:word".getBytes(StandardCharsets.UTF_8));
        assertThat(proxy.heads)
                .singleElement()
                .asString()
                .startsWith("CONNECT api.vendor.example:443 HTTP/1.1\r\n")
                .containsIgnoringCase("\r\nproxy-authorization: Basic " + expected + "\r\n")
                .doesNotContain("X-Machine");
    }

    @Test
    void theUpstreamProxysPasswordIsNotPrinted() {
        var upstream = new Upstream("proxy.corp.example", 3128, "gate", Secret.of("keyword"));
        assertThat(upstream.toString()).doesNotContain("keyword");
        var request = new io.netty.handler.codec.http.DefaultHttpRequest(
                io.netty.handler.codec.http.HttpVersion.HTTP_1_1,
                io.netty.handler.codec.http.HttpMethod.CONNECT,
                "api.vendor.example:443");
        var go = new Decision.Go(
                new Target("api.vendor.example", 443, true), new InetSocketAddress(LOOPBACK, 1), new Attempt());
        new UpstreamHop(go, () -> {}, upstream.authorization()).filterRequest(request);
        assertThat(request.toString()).contains("proxy-authorization: ***");
    }

    @Test
    void anUpstreamProxyThatRefusesIsTold() throws Exception {
        TestProxy proxy = proxy();
        proxy.answer = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry";
        Client client =
                client(door(gateway(QUICK.through(Upstream.of("proxy.corp.example", proxy.port()))), TlsServer.HOST));

        assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 502 Host not reachable\r\n");

        assertThat(event().reason())
                .isEqualTo("No connection to api.vendor.example:443 through the proxy proxy.corp.example:"
                        + proxy.port() + " could be made: the proxy answered with status 502.");
        assertThat(proxy.heads).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"false, wants a user name and a password.", "true, 'wants a user name and a password, and does not take'"})
    void anUpstreamProxyThatWantsAPasswordIsToldAsSuch(boolean given, String reason) throws Exception {
        TestProxy proxy = proxy();
        proxy.answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"corp\"\r\n"
                + "Content-Length: 4\r\n\r\nwho?";
        Upstream upstream = given
                ? new Upstream("proxy.corp.example", proxy.port(), "gate", Secret.of("key:word"))
                : Upstream.of("proxy.corp.example", proxy.port());
        Client client = client(door(gateway(QUICK.through(upstream)), TlsServer.HOST));

        assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 502 Proxy wants a password\r\n");

        EgressEvent event = event();
        assertThat(event.kind()).isEqualTo(EgressEvent.Kind.UPSTREAM_PASSWORD);
        assertThat(event.kind().code()).isEqualTo(CauseCode.UPSTREAM_PASSWORD);
        assertThat(event.host()).isEqualTo(TlsServer.HOST);
        assertThat(event.reason())
                .startsWith("The proxy proxy.corp.example:" + proxy.port() + " " + reason)
                .doesNotContain("word:", "key:word");
        assertThat(events).as("one event a request").isEmpty();
    }

    /** Takes down what is told, in its order. */
    private EgressGateway.Door doorThatTellsAll(EgressGateway gateway, BlockingQueue<String> told) throws IOException {
        var listener = new EgressGateway.Listener() {
            @Override
            public void happened(EgressEvent event) {
                told.add(event.kind() + " " + event.host());
            }

            @Override
            public void reachedAgain(String host) {
                told.add("reached " + host);
            }
        };
        return gateway.open(MachineId.random(), LOOPBACK, 0, AllowList.of(List.of(TlsServer.HOST)), listener);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aHostThatIsReachedAgainIsTold(boolean throughProxy) throws Exception {
        BlockingQueue<String> told = new LinkedBlockingQueue<>();
        TestProxy proxy = proxy();
        EgressSettings settings =
                throughProxy ? QUICK.through(Upstream.of("proxy.corp.example", proxy.port())) : QUICK;
        EgressGateway.Door door = doorThatTellsAll(gateway(settings), told);
        assertThat(client(door).connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
        proxy.answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        try (var gone = new ServerSocket(0, 1, LOOPBACK)) {
            addresses.put(TlsServer.HOST, new InetSocketAddress(LOOPBACK, gone.getLocalPort()));
        }
        assertThat(client(door).connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 502 ");
        assertThat(told.poll(10, TimeUnit.SECONDS))
                .as("the first success is no news")
                .isEqualTo("UPSTREAM_UNREACHABLE " + TlsServer.HOST);

        proxy.answer = "HTTP/1.1 200 OK\r\n\r\n";
        addresses.put(TlsServer.HOST, server.address());
        Client client = client(door);
        assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
        assertThat(echo(client.tls(server, TlsServer.HOST), "hello")).isEqualTo("hello");

        assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo("reached " + TlsServer.HOST);
        assertThat(told).isEmpty();
    }

    @Test
    void anUpstreamProxyThatIsDownIsToldAndNotGoneAround() throws Exception {
        TestProxy proxy = proxy();
        proxy.close();
        Client client =
                client(door(gateway(QUICK.through(Upstream.of("proxy.corp.example", proxy.port()))), TlsServer.HOST));

        assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 502 Host not reachable\r\n");

        assertThat(event().kind().code()).isEqualTo(CauseCode.UPSTREAM_UNREACHABLE);
        assertThat(server.accepted).hasValue(0);
    }

    @Test
    void anotherRequestAfterAFailureIsDecidedAboutAgain() throws Exception {
        try (var gone = new ServerSocket(0, 1, LOOPBACK)) {
            addresses.put("gone.vendor.example", new InetSocketAddress(LOOPBACK, gone.getLocalPort()));
        }
        var gateway = new EgressGateway(QUICK, this::resolve, address -> true);
        parts.add(gateway);
        Client client = client(door(gateway, "*.vendor.example"));
        String head = client.connect("gone.vendor.example:443");
        assertThat(head).startsWith("HTTP/1.1 502 ");
        int length = Integer.parseInt(head.replaceAll("(?s).*content-length: (\\d+).*", "$1"));
        for (int i = 0; i < length; i++) {
            client.read();
        }
        assertThat(client.connect("other.example:443")).startsWith("HTTP/1.1 403 ");
    }

    @Test
    void closingTheDoorEndsATransferAndFreesThePort() throws Exception {
        EgressGateway.Door door = door(gateway(QUICK), TlsServer.HOST);
        Client client = client(door);
        client.connect(TlsServer.HOST + ":443");
        SSLSocket tls = client.tls(server, TlsServer.HOST);
        tls.getOutputStream().write("send 500\n".getBytes(StandardCharsets.UTF_8));
        assertThat(tls.getInputStream().readNBytes(1 << 20)).hasSize(1 << 20);

        door.close();

        assertThat(bytesLeft(tls)).isLessThan(400L << 20);
        assertThatThrownBy(() -> new Client(door.address()).close()).isInstanceOf(IOException.class);
        new ServerSocket(door.address().getPort(), 1, LOOPBACK).close();
        assertThat(door.traffic().connections()).isZero();
        door.close();
    }

    /** What still comes, until the end or an error: Java takes a TLS connection that breaks off for one that ends. */
    private static long bytesLeft(SSLSocket socket) {
        long bytes = 0;
        try {
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[1 << 16];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                bytes += n;
            }
        } catch (IOException e) {
            assertThat(e).isNotInstanceOf(java.net.SocketTimeoutException.class);
        }
        return bytes;
    }

    @Test
    void manyConnectionsWorkAtOnce() throws Exception {
        EgressGateway.Door door = door(gateway(QUICK), TlsServer.HOST);
        try (ExecutorService machine = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                String text = "connection " + i;
                answers.add(machine.submit(() -> {
                    try (var client = new Client(door.address())) {
                        client.connect(TlsServer.HOST + ":443");
                        return echo(client.tls(server, TlsServer.HOST), text);
                    }
                }));
            }
            for (int i = 0; i < 100; i++) {
                assertThat(answers.get(i).get()).isEqualTo("connection " + i);
            }
        }
        assertThat(server.accepted).hasValue(100);
    }

    @Test
    void aMachineHoldsNoMoreThanItsShareOfConnections() throws Exception {
        var settings =
                new EgressSettings(Optional.empty(), 3, QUICK.head(), QUICK.idle(), QUICK.resolve(), QUICK.connect());
        EgressGateway gateway = gateway(settings);
        EgressGateway.Door door = door(gateway, TlsServer.HOST);
        for (int i = 0; i < 3; i++) {
            assertThat(client(door).connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
        }

        assertThat(client(door).head()).startsWith("HTTP/1.1 503 Too many connections\r\n");

        assertThat(client(door(gateway, TlsServer.HOST)).connect(TlsServer.HOST + ":443"))
                .startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aReaderThatDoesNotReadStallsTheSenderInsteadOfFillingMemory() throws Exception {
        EgressGateway.Door door = door(gateway(QUICK), TlsServer.HOST);
        Client client = client(door);
        client.connect(TlsServer.HOST + ":443");
        SSLSocket tls = client.tls(server, TlsServer.HOST);
        tls.getOutputStream().write("send 400\n".getBytes(StandardCharsets.UTF_8));

        long before;
        long now = -1;
        do {
            // Until nothing more gets through: a stall has no event that says so.
            before = now;
            TimeUnit.MILLISECONDS.sleep(700);
            now = door.traffic().received();
        } while (now != before);
        assertThat(now).as("bytes taken for a reader that reads nothing").isLessThan(20L << 20);

        // And it goes on as soon as the reader does.
        InputStream in = tls.getInputStream();
        long read = 0;
        byte[] buffer = new byte[1 << 16];
        while (read < 400L << 20) {
            int n = in.read(buffer);
            assertThat(n).isPositive();
            read += n;
        }
        assertThat(read).isEqualTo(400L << 20);
    }

    @Test
    void eventsAreToldAtABoundedRate() throws Exception {
        EgressGateway.Door door = door(gateway(QUICK), TlsServer.HOST);
        for (int i = 0; i < 200; i++) {
            try (var client = new Client(door.address())) {
                assertThat(client.connect("h" + i + ".example:443")).startsWith("HTTP/1.1 403 ");
            }
        }
        int told = 0;
        while (events.poll(500, TimeUnit.MILLISECONDS) != null) {
            told++;
        }
        assertThat(told).isBetween(Teller.BURST, Teller.BURST + 20);
    }

    @Test
    void aListenerThatFailsHarmsNobody() throws Exception {
        EgressGateway.Door door = gateway(QUICK)
                .open(MachineId.random(), LOOPBACK, 0, AllowList.of(List.of(TlsServer.HOST)), event -> {
                    throw new IllegalStateException("listener");
                });
        assertThat(client(door).connect("other.example:443")).startsWith("HTTP/1.1 403 ");
        assertThat(client(door).connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aPortThatIsTakenIsAnIOException() throws Exception {
        EgressGateway gateway = gateway(QUICK);
        EgressGateway.Door door = door(gateway, TlsServer.HOST);
        assertThatThrownBy(() -> gateway.open(
                        MachineId.random(), LOOPBACK, door.address().getPort(), AllowList.of(List.of()), events::add))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot listen on");
    }

    @Test
    void fiftyDoorsLeaveNothingBehind() throws Exception {
        EgressGateway gateway = gateway(QUICK);
        List<EgressGateway.Door> doors = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            doors.add(door(gateway, TlsServer.HOST));
        }
        for (EgressGateway.Door door : doors) {
            Client client = client(door);
            assertThat(client.connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
        }
        doors.subList(0, 25).forEach(EgressGateway.Door::close);
        assertThat(client(doors.get(30)).connect(TlsServer.HOST + ":443")).startsWith("HTTP/1.1 200 ");
        assertThat(threads()).filteredOn(name -> name.startsWith("egress-m-")).hasSize(25);

        gateway.close();

        // A thread is gone a moment after it said that it ends, and nothing tells of that.
        long end = System.nanoTime() + Duration.ofSeconds(5).toNanos();
        while (threads().stream().anyMatch(name -> name.startsWith("egress")) && System.nanoTime() < end) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        assertThat(threads()).noneMatch(name -> name.startsWith("egress"));
        for (EgressGateway.Door door : doors) {
            new ServerSocket(door.address().getPort(), 1, LOOPBACK).close();
        }
        assertThatThrownBy(() -> door(gateway, TlsServer.HOST)).isInstanceOf(IllegalStateException.class);
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream().map(Thread::getName).toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "*",
                "*.example",
                "EXAMPLE.com",
                "a..b.example",
                "https://x.example",
                "x",
                "[::1]",
                ""
            })
    void whatIsNoHostIsNotPutOnTheList(String entry) {
        assertThatThrownBy(() -> AllowList.of(List.of(entry))).isInstanceOf(IllegalArgumentException.class);
    }
}
