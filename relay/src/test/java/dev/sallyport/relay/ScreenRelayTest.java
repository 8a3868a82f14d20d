package dev.sallyport.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.websocket.api.exceptions.UpgradeException;
import org.eclipse.jetty.websocket.client.ClientUpgradeRequest;
import org.eclipse.jetty.websocket.client.WebSocketClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ScreenRelayTest {
    private static final int MIB = 1024 * 1024;

    /** What the kernel's socket buffers of two loopback connections can hold, generously; the relay itself holds 32 KiB. */
    private static final long BOUND = 32L * MIB;

    private final SessionId session = SessionId.random();
    private final Tickets tickets = new Tickets(Clock.systemUTC());
    private final BlockingQueue<String> comings = new LinkedBlockingQueue<>();
    private final Viewers viewers = new Viewers(50, new Viewers.Listener() {
        @Override
        public void came(SessionId who, int watching) {
            comings.add("came " + watching);
        }

        @Override
        public void left(SessionId who, int watching) {
            comings.add("left " + watching);
        }
    });
    private final List<AutoCloseable> toClose = new ArrayList<>();
    private final WebSocketClient client = new WebSocketClient();
    private Server server = new Server();
    private ScreenRelay relay = new ScreenRelay(viewers, RelaySettings.DEFAULT);

    @AfterEach
    void stop() throws Exception {
        relay.close();
        client.stop();
        server.stop();
        for (AutoCloseable each : toClose) {
            each.close();
        }
    }

    @Test
    void carriesBytesUnchangedBothWays() throws Exception {
        start(FakeMachine.ECHO);
        TestViewer viewer = open();
        assertThat(viewer.session().getUpgradeResponse().getAcceptedSubProtocol())
                .isEqualTo("binary");
        var sent = new byte[3 * MIB];
        new Random(7).nextBytes(sent);
        var received = new CompletableFuture<byte[]>();
        Thread.ofVirtual().start(() -> {
            try {
                received.complete(viewer.read(sent.length));
            } catch (Exception e) {
                received.completeExceptionally(e);
            }
        });
        for (int at = 0; at < sent.length; at += 16 * 1024) {
            viewer.send(Arrays.copyOfRange(sent, at, at + 16 * 1024));
        }
        assertThat(received.get(60, TimeUnit.SECONDS)).isEqualTo(sent);
        assertThat(relay.bytesToMachines()).isEqualTo(sent.length);
        assertThat(relay.bytesToViewers()).isEqualTo(sent.length);
    }

    @Test
    void aViewerThatDoesNotReadStallsItsMachineAndNobodyElse() throws Exception {
        int all = 128 * MIB;
        var written = new ArrayList<AtomicLong>();
        start(viewer -> {
            AtomicLong mine;
            synchronized (written) {
                mine = new AtomicLong();
                written.add(mine);
            }
            var piece = ByteBuffer.allocate(64 * 1024);
            for (long at = 0; at < all; ) {
                piece.clear();
                while (piece.hasRemaining()) {
                    piece.putLong(at + piece.position());
                }
                piece.flip();
                while (piece.hasRemaining()) {
                    int count = viewer.write(piece);
                    at += count;
                    mine.addAndGet(count);
                }
            }
        });
        TestViewer slow = open();
        // Its machine is connected, and so the first of the two, before the second viewer comes.
        assertThat(slow.read()).isNotEmpty();
        TestViewer quick = open();
        for (long at = 0; at < all; ) {
            at += checkedCounting(quick.read(), at);
        }
        assertThat(written.get(1).get()).isEqualTo(all);
        assertThat(written.get(0).get()).isLessThan(BOUND);
        assertThat(quick.awaitClosed().code()).isEqualTo(Closing.SCREEN_ENDED.code());
        // And what stalled was lost by no one: once read, it goes on.
        long more = 0;
        while (more < 2 * BOUND) {
            more += slow.read().length;
        }
        assertThat(written.get(0).get()).isGreaterThan(BOUND);
    }

    @Test
    void aMachineThatDoesNotReadStallsItsViewerAndNobodyElse() throws Exception {
        int all = 96 * MIB;
        var release = new CountDownLatch(1);
        var drained = new CountDownLatch(1);
        var connections = new AtomicLong();
        start(viewer -> {
            if (connections.incrementAndGet() == 1) {
                viewer.write(ByteBuffer.wrap(new byte[] {1}));
                release.await();
            }
            var buffer = ByteBuffer.allocateDirect(256 * 1024);
            long got = 0;
            while (got < all) {
                int count = viewer.read(buffer.clear());
                if (count < 0) {
                    throw new IOException("ended after " + got);
                }
                got += count;
            }
            drained.countDown();
        });
        TestViewer stalled = open();
        stalled.read();
        var stalledSent = new AtomicLong();
        Future<?> stalledSending = sendAll(stalled, all, stalledSent);
        TestViewer quick = open();
        sendAll(quick, all, new AtomicLong()).get();
        assertThat(drained.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(stalledSent.get()).isLessThan(BOUND);
        release.countDown();
        stalledSending.get();
        assertThat(stalledSent.get()).isEqualTo(all);
    }

    @Test
    void aViewerThatStaysStalledIsClosedAndCut() throws Exception {
        relay = new ScreenRelay(
                viewers,
                new RelaySettings(
                        32 * 1024, 64 * 1024, Duration.ofSeconds(20), Duration.ofMillis(300), Duration.ofMillis(300)));
        FakeMachine machine = start(viewer -> {
            var piece = ByteBuffer.allocate(64 * 1024);
            while (true) {
                viewer.write(piece.clear());
            }
        });
        open();
        assertThat(machine.endings.poll(60, TimeUnit.SECONDS)).containsAnyOf("Broken pipe", "reset");
        assertThat(comings.poll(5, TimeUnit.SECONDS)).isEqualTo("came 1");
        assertThat(comings.poll(5, TimeUnit.SECONDS)).isEqualTo("left 0");
    }

    @Test
    void aMachineThatTakesNoInputIsGivenUp() throws Exception {
        relay = new ScreenRelay(
                viewers,
                new RelaySettings(
                        32 * 1024, 64 * 1024, Duration.ofMillis(200), Duration.ofMillis(300), Duration.ofSeconds(5)));
        var gone = new CountDownLatch(1);
        start(viewer -> gone.await());
        TestViewer viewer = open();
        var sent = new AtomicLong();
        Future<?> sending = sendAll(viewer, 256 * MIB, sent);
        TestViewer.Closed closed = viewer.awaitClosed();
        gone.countDown();
        assertThat(closed.code()).isEqualTo(4502);
        assertThat(closed.reason()).endsWith("takes no input.");
        assertThatThrownBy(sending::get).isInstanceOf(ExecutionException.class);
        assertThat(sent.get()).isLessThan(BOUND);
    }

    @Test
    void theMachinesEndClosesTheViewer() throws Exception {
        start(viewer -> viewer.write(ByteBuffer.wrap(new byte[] {42})));
        TestViewer viewer = open();
        assertThat(viewer.read(1)).containsExactly(42);
        assertThat(viewer.awaitClosed())
                .isEqualTo(new TestViewer.Closed(4410, "SCREEN_ENDED: The machine's screen ended."));
        assertThat(viewers.watching(session)).isZero();
    }

    @Test
    void aMachineThatVanishesClosesTheViewerWithItsCause() throws Exception {
        start(viewer -> {
            viewer.read(ByteBuffer.allocate(1));
            viewer.setOption(StandardSocketOptions.SO_LINGER, 0);
        });
        TestViewer viewer = open();
        viewer.send(new byte[] {1});
        assertThat(viewer.awaitClosed())
                .isEqualTo(new TestViewer.Closed(4502, "MACHINE_UNREACHABLE: The machine cannot be reached."));
    }

    @Test
    void theViewersEndClosesTheMachines() throws Exception {
        FakeMachine machine = start(FakeMachine.ECHO);
        TestViewer polite = open();
        polite.send(new byte[] {1});
        polite.read(1);
        polite.session().close();
        assertThat(machine.endings.poll(20, TimeUnit.SECONDS)).isEqualTo("eof");
        TestViewer rude = open();
        rude.send(new byte[] {1});
        rude.read(1);
        rude.session().disconnect();
        assertThat(machine.endings.poll(20, TimeUnit.SECONDS)).isEqualTo("eof");
        assertThat(List.of(next(), next(), next(), next())).containsExactly("came 1", "left 0", "came 1", "left 0");
    }

    @Test
    void aFailureToReachTheMachineIsToldToTheViewer() throws Exception {
        startWith(() -> {
            throw FailureException.of(CauseCode.MACHINE_UNREACHABLE, "Nothing listens there.", "evidence");
        });
        assertThat(open().awaitClosed())
                .isEqualTo(new TestViewer.Closed(
                        4502, "MACHINE_UNREACHABLE: " + CauseCode.MACHINE_UNREACHABLE.sentence()));
        startWith(() -> {
            throw new IOException("connection refused");
        });
        assertThat(open().awaitClosed().code()).isEqualTo(4502);
        startWith(() -> {
            throw new IllegalStateException("a defect");
        });
        assertThat(open().awaitClosed().code()).isEqualTo(1011);
    }

    @Test
    void aViewerThatLeavesWhileTheMachineIsAskedInterruptsTheAsking() throws Exception {
        var asked = new CountDownLatch(1);
        var interrupted = new CompletableFuture<String>();
        startWith(() -> {
            asked.countDown();
            try {
                new CountDownLatch(1).await();
                throw new AssertionError("nobody counts down");
            } catch (InterruptedException e) {
                interrupted.complete("interrupted");
                throw new ClosedByInterruptException();
            }
        });
        TestViewer viewer = open();
        assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
        viewer.session().disconnect();
        assertThat(interrupted.get(20, TimeUnit.SECONDS)).isEqualTo("interrupted");
        assertThat(List.of(next(), next())).containsExactly("came 1", "left 0");
    }

    @Test
    void fiftyViewersWatchAndOneMoreIsRefused() throws Exception {
        start(FakeMachine.ECHO);
        var watching = new ArrayList<TestViewer>();
        for (int i = 0; i < 50; i++) {
            watching.add(open());
        }
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var senders = new ArrayList<Future<?>>();
            var results = new ArrayList<Future<byte[]>>();
            for (int i = 0; i < watching.size(); i++) {
                TestViewer viewer = watching.get(i);
                var bytes = new byte[100 * 1024];
                new Random(i).nextBytes(bytes);
                senders.add(threads.submit(() -> {
                    for (int at = 0; at < bytes.length; at += 1024) {
                        viewer.send(Arrays.copyOfRange(bytes, at, at + 1024));
                    }
                    return null;
                }));
                results.add(threads.submit(() -> viewer.read(bytes.length)));
            }
            for (int i = 0; i < results.size(); i++) {
                var expected = new byte[100 * 1024];
                new Random(i).nextBytes(expected);
                assertThat(results.get(i).get()).isEqualTo(expected);
                senders.get(i).get();
            }
        }
        assertThat(viewers.watching(session)).isEqualTo(50);
        assertThat(open().awaitClosed().code()).isEqualTo(Closing.TOO_MANY_VIEWERS.code());
        assertThat(viewers.watching()).isEqualTo(50);
        viewers.endAll(session, Cause.of(CauseCode.MACHINE_ENDED, "It powered off."));
        for (TestViewer viewer : watching) {
            assertThat(viewer.awaitClosed())
                    .isEqualTo(new TestViewer.Closed(4500, "MACHINE_ENDED: " + CauseCode.MACHINE_ENDED.sentence()));
        }
        assertThat(viewers.watching(session)).isZero();
        assertThat(comings).hasSize(100);
        assertThat(new ArrayList<>(comings).getLast()).isEqualTo("left 0");
    }

    @Test
    void aTicketOpensOneScreenOnce() throws Exception {
        start(FakeMachine.ECHO);
        String token = tickets.issue(session, "u-1").token().reveal();
        open(session.value(), "?ticket=" + token).session();
        assertRefused(session.value(), "?ticket=" + token, 403);
        assertRefused(session.value(), "?ticket=forged", 403);
        assertRefused(session.value(), "", 403);
        assertRefused(SessionId.random().value(), "?ticket=" + token, 403);
        assertRefused("no-session", "?ticket=" + token, 404);
        assertThat(viewers.watching()).isEqualTo(1);
    }

    @Test
    void anIllFormedQueryIsABadRequest() throws Exception {
        start(FakeMachine.ECHO);
        for (String query : List.of("?ticket=%FF", "?ticket=%7z", "?%", "?ticket=a&ticket=b")) {
            try (Socket socket = rawUpgrade(query)) {
                assertThat(readHead(socket.getInputStream())).as(query).startsWith("HTTP/1.1 40");
            }
        }
        assertThat(viewers.watching()).isZero();
    }

    @Test
    void everyOtherRequestGoesToTheNextHandler() throws Exception {
        start(FakeMachine.ECHO);
        try (HttpClient http = HttpClient.newHttpClient()) {
            for (String path :
                    List.of("/", "/api/auth/session/" + session, "/api/auth/session/" + session + "/screen")) {
                HttpResponse<String> answer = http.send(
                        HttpRequest.newBuilder(server.getURI().resolve(path)).build(),
                        HttpResponse.BodyHandlers.ofString());
                assertThat(answer.body()).as(path).isEqualTo("next");
            }
        }
    }

    @Test
    void framesAreBoundedAndBinary() throws Exception {
        start(FakeMachine.ECHO);
        TestViewer largest = open();
        largest.session().setMaxFrameSize(MIB);
        largest.session().setAutoFragment(false);
        largest.send(new byte[64 * 1024]);
        assertThat(largest.read(64 * 1024)).hasSize(64 * 1024);
        largest.send(new byte[64 * 1024 + 1]);
        assertThat(largest.awaitClosed().code()).isEqualTo(1009);
        TestViewer text = open();
        text.session().sendText("hello", org.eclipse.jetty.websocket.api.Callback.NOOP);
        assertThat(text.awaitClosed().code()).isEqualTo(1003);
    }

    @Test
    void aSilentViewerIsPingedAndClosed() throws Exception {
        relay = new ScreenRelay(
                viewers,
                new RelaySettings(
                        32 * 1024, 64 * 1024, Duration.ofMillis(100), Duration.ofSeconds(60), Duration.ofMillis(300)));
        FakeMachine machine = start(FakeMachine.ECHO);
        String ticket = tickets.issue(session, "u-1").token().reveal();
        try (Socket socket = rawUpgrade("?ticket=" + ticket)) {
            InputStream in = socket.getInputStream();
            String head = readHead(in);
            assertThat(head).startsWith("HTTP/1.1 101").doesNotContainIgnoringCase("permessage-deflate");
            // It ends long before this many pings.
            byte[] frames = in.readNBytes(64);
            // 0x89: a ping (RFC 6455, section 5.5.2) without payload.
            assertThat(frames).startsWith(0x89, 0x00).hasSizeLessThan(64);
        }
        assertThat(machine.endings.poll(20, TimeUnit.SECONDS)).isEqualTo("eof");
        assertThat(List.of(next(), next())).containsExactly("came 1", "left 0");
    }

    @Test
    void aViewerThatAnswersPingsStays() throws Exception {
        relay = new ScreenRelay(
                viewers,
                new RelaySettings(
                        32 * 1024, 64 * 1024, Duration.ofMillis(50), Duration.ofSeconds(60), Duration.ofSeconds(1)));
        start(viewer -> {
            // Says something only after ten times the idle limit, then echoes.
            Thread.sleep(1500);
            viewer.write(ByteBuffer.wrap(new byte[] {9}));
            FakeMachine.ECHO.serve(viewer);
        });
        TestViewer viewer = open();
        assertThat(viewer.read(1)).containsExactly(9);
    }

    @Test
    void closingTheRelayEndsEveryone() throws Exception {
        start(FakeMachine.ECHO);
        TestViewer viewer = open();
        relay.close();
        assertThat(viewer.awaitClosed().code()).isEqualTo(1001);
    }

    /** What the relay is reached by. */
    ServerConnector connector(Server of) {
        return new ScreenConnector(of, new HttpConnectionFactory());
    }

    private FakeMachine start(FakeMachine.Behaviour behaviour) throws Exception {
        var machine = new FakeMachine(behaviour);
        toClose.add(machine);
        startWith(machine.source());
        return machine;
    }

    private void startWith(ScreenSource source) throws Exception {
        server.stop();
        server = new Server();
        ServerConnector connector = connector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        Gate gate = (who, ticket) -> {
            tickets.redeem(who, ticket);
            return source;
        };
        server.setHandler(new Handler.Sequence(relay.context(server, gate), new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                response.write(true, StandardCharsets.UTF_8.encode("next"), callback);
                return true;
            }
        }));
        server.start();
        client.start();
    }

    private TestViewer open() throws Exception {
        TestViewer viewer = open(
                session.value(),
                "?ticket=" + tickets.issue(session, "u-1").token().reveal());
        viewer.session();
        return viewer;
    }

    private TestViewer open(String id, String query) throws Exception {
        URI uri = URI.create(
                "ws://127.0.0.1:" + server.getURI().getPort() + "/api/auth/session/" + id + "/screen" + query);
        var viewer = new TestViewer();
        var request = new ClientUpgradeRequest(uri);
        request.setSubProtocols("binary");
        client.connect(viewer, request).get(20, TimeUnit.SECONDS);
        return viewer;
    }

    private void assertRefused(String id, String query, int status) {
        assertThatThrownBy(() -> open(id, query))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(UpgradeException.class)
                .hasMessageContaining(String.valueOf(status));
    }

    private String next() throws InterruptedException {
        return String.valueOf(comings.poll(20, TimeUnit.SECONDS));
    }

    private static Future<?> sendAll(TestViewer viewer, int all, AtomicLong sent) {
        var piece = new byte[32 * 1024];
        var done = new CompletableFuture<Void>();
        Thread.ofVirtual().start(() -> {
            try {
                while (sent.get() < all) {
                    viewer.send(piece);
                    sent.addAndGet(piece.length);
                }
                done.complete(null);
            } catch (Exception e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    /** Asks for the upgrade by hand: a viewer that does nothing which is not written in a test. */
    private Socket rawUpgrade(String query) throws IOException {
        var socket =
                new Socket(InetAddress.getLoopbackAddress(), server.getURI().getPort());
        socket.setSoTimeout(30_000);
        socket.getOutputStream()
                .write(("GET /api/auth/session/" + session + "/screen" + query
                                + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                                + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    private static String readHead(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("ended in the head: " + head);
            }
            head.append((char) next);
        }
        return head.toString();
    }

    /** Checks that {@code bytes} go on where the counting of longs stood at {@code at}, and returns their number. */
    private static int checkedCounting(byte[] bytes, long at) {
        int first = (int) ((8 - at % 8) % 8);
        if (first + 8 <= bytes.length) {
            assertThat(ByteBuffer.wrap(bytes).getLong(first)).isEqualTo(at + first);
        }
        return bytes.length;
    }
}
