package dev.sallyport.relay;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.sallyport.model.SessionId;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.websocket.client.WebSocketClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Screens that have much to say: what goes through the kernel, what is held of it, and what is left of it. */
@Timeout(120)
class MuchScreenTest {
    private static final int KIB = 1024;
    private static final int MIB = 1024 * KIB;

    @TempDir
    private Path folder;

    private final AtomicInteger dumps = new AtomicInteger();
    private final SessionId session = SessionId.random();
    private final Viewers viewers = new Viewers(50, Viewers.Listener.NONE);
    private final ScreenRelay relay = new ScreenRelay(viewers, RelaySettings.DEFAULT);
    private final WebSocketClient client = new WebSocketClient();
    private final Server server = new Server();

    @SuppressWarnings("NullAway.Init") // Each test starts one.
    private FakeMachine machine;

    @AfterEach
    void stop() throws Exception {
        relay.close();
        client.stop();
        server.stop();
        machine.close();
    }

    @Test
    void muchAndLittleArriveUnchangedAndInOrder() throws Exception {
        // Long and short bursts in turn, of random lengths and bytes, each awaited by its viewer before the next.
        start(channel -> {
            var random = new Random(11);
            var go = ByteBuffer.allocate(1);
            for (int burst = 0; burst < 60; burst++) {
                write(channel, bytes(random));
                if (channel.read(go.clear()) < 0) {
                    throw new IOException("ended after " + burst);
                }
            }
        });
        TestViewer viewer = open();
        var random = new Random(11);
        boolean pipes = false;
        for (int burst = 0; burst < 60; burst++) {
            byte[] expected = bytes(random);
            assertThat(viewer.read(expected.length)).as("burst %d", burst).isEqualTo(expected);
            pipes |= descriptors("pipe:") > 0;
            viewer.send(new byte[] {1});
        }
        assertThat(pipes).as("something went through the kernel").isTrue();
        assertThat(viewer.awaitClosed().code()).isEqualTo(Closing.SCREEN_ENDED.code());
    }

    @Test
    void viewersThatDoNotReadHoldNothingInTheRelay() throws Exception {
        int count = 20;
        var stalled = new AtomicLong[count];
        var connections = new AtomicInteger();
        start(channel -> {
            var mine = new AtomicLong();
            stalled[connections.getAndIncrement()] = mine;
            var piece = ByteBuffer.allocateDirect(64 * KIB);
            while (true) {
                mine.addAndGet(channel.write(piece.clear()));
            }
        });
        // The first one has buffers made that are kept for all.
        open();
        awaitStill(() -> written(stalled, connections));
        long before = directBytes();
        for (int i = 1; i < count; i++) {
            open();
        }
        awaitStill(() -> written(stalled, connections));
        assertThat(connections.get()).isEqualTo(count);
        // What is under way is in the kernel. Of ours, a viewer holds one read's buffer at most; the machine's own
        // buffer above is not ours.
        long machines = (count - 1) * 64L * KIB;
        long perViewer = (directBytes() - before - machines) / (count - 1);
        assertThat(perViewer).isLessThanOrEqualTo(80L * KIB);
        assertThat(viewers.watching()).isEqualTo(count);
    }

    @Test
    void whoComesAgainGetsAFreshStream() throws Exception {
        var connections = new AtomicInteger();
        start(channel -> {
            write(channel, new byte[] {(byte) connections.incrementAndGet()});
            write(channel, new byte[8 * MIB]);
            channel.read(ByteBuffer.allocate(1));
        });
        for (int i = 1; i <= 5; i++) {
            TestViewer viewer = open();
            assertThat(viewer.read()[0]).isEqualTo((byte) i);
            viewer.read();
            // In the middle of much.
            viewer.session().disconnect();
        }
        assertThat(connections.get()).isEqualTo(5);
        assertThat(open().read()[0]).isEqualTo((byte) 6);
    }

    @Test
    void nothingIsLeftOfViewersThatWent() throws Exception {
        // Other tests' processes may have pipes here.
        int pipes = descriptors("pipe:");
        start(channel -> {
            var piece = ByteBuffer.allocateDirect(256 * KIB);
            while (true) {
                channel.write(piece.clear());
            }
        });
        comeAndGo(4);
        open().read();
        assertThat(screenThreads()).isPositive();
        viewers.endAll(session);
        await(() -> viewers.watching() == 0 && descriptors("pipe:") <= pipes && screenThreads() == 0);
        int sockets = descriptors("socket:");
        comeAndGo(40);
        await(() -> viewers.watching() == 0
                && descriptors("pipe:") <= pipes
                && screenThreads() == 0
                && descriptors("socket:") <= sockets);
        for (int i = 0; i < 45; i++) {
            // The machine learned of each end too.
            assertThat(machine.endings.poll(20, TimeUnit.SECONDS)).isNotNull();
        }
    }

    private void comeAndGo(int times) throws Exception {
        for (int i = 0; i < times; i++) {
            TestViewer viewer = open();
            long got = 0;
            while (got < 512 * KIB) {
                got += viewer.read().length;
            }
            if (i % 2 == 0) {
                viewer.session().disconnect();
            } else {
                viewer.session().close();
                viewer.awaitClosed();
            }
        }
    }

    private void start(FakeMachine.Behaviour behaviour) throws Exception {
        machine = new FakeMachine(behaviour);
        var connector = new ScreenConnector(server, new HttpConnectionFactory());
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        server.setHandler(relay.context(server, (who, ticket) -> machine.source()));
        server.start();
        client.start();
    }

    private TestViewer open() throws Exception {
        var viewer = new TestViewer();
        client.connect(
                        viewer,
                        URI.create("ws://127.0.0.1:" + server.getURI().getPort()
                                + ScreenRelay.PATH.replace("{id}", session.value())))
                .get(20, TimeUnit.SECONDS);
        viewer.session();
        return viewer;
    }

    /** Of a length between a byte and three megabytes, short ones as often as long ones. */
    private static byte[] bytes(Random random) {
        var bytes = new byte[1 + (random.nextBoolean() ? random.nextInt(3 * MIB) : random.nextInt(2000))];
        random.nextBytes(bytes);
        return bytes;
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(bytes);
        while (all.hasRemaining()) {
            channel.write(all);
        }
    }

    private static long written(AtomicLong[] counts, AtomicInteger connections) {
        long all = connections.get();
        for (AtomicLong count : counts) {
            all += count == null ? 0 : count.get();
        }
        return all;
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    /** Virtual threads are in no list but this one. */
    private int screenThreads() {
        Path dump = folder.resolve("threads-" + dumps.getAndIncrement());
        try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .dumpThreads(dump.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
            return (int) Files.readAllLines(dump).stream()
                    .filter(line -> line.startsWith("#") && line.contains("\"screen-"))
                    .count();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** How many of this process's descriptors are of that kind. Those to its parent do not count. */
    private static int descriptors(String kind) {
        List<String> targets = new ArrayList<>();
        try (var all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path each : all) {
                int number = Integer.parseInt(each.getFileName().toString());
                if (number > 2) {
                    targets.add(target(each));
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return (int) targets.stream().filter(target -> target.startsWith(kind)).count();
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            // Closed meanwhile.
            return "";
        }
    }

    /** Until it holds; not for ever. */
    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("it has not come about in 30 s").isLessThan(deadline);
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
    }

    /** Until it has been the same for a second. */
    private static void awaitStill(java.util.function.LongSupplier value) {
        long last = value.getAsLong();
        long since = System.nanoTime();
        while (System.nanoTime() - since < Duration.ofSeconds(1).toNanos()) {
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
            long now = value.getAsLong();
            if (now != last) {
                last = now;
                since = System.nanoTime();
            }
        }
    }
}
