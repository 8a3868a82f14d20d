package dev.sallyport.acceptance.player;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.relay.RelaySettings;
import dev.sallyport.relay.ScreenRelay;
import dev.sallyport.relay.Tickets;
import dev.sallyport.relay.Viewers;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The player against a real X server, alone and through a real relay. */
@Timeout(90)
class XvncTest {
    private static final int GREEN = 0x00a060;
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    private final SessionId session = SessionId.random();
    private final Tickets tickets = new Tickets(Clock.systemUTC());
    private final ScreenRelay relay = new ScreenRelay(new Viewers(50, Viewers.Listener.NONE), RelaySettings.DEFAULT);
    private final Server server = new Server();
    private XvncServer x;
    private XClient program;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(XvncServer.present(), "Xvnc is not installed (Debian's tigervnc-standalone-server)");
        x = new XvncServer(folder);
        program = new XClient(x.display);
        var connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        server.setHandler(relay.context(server, (who, ticket) -> {
            tickets.redeem(who, ticket);
            return x::connect;
        }));
        server.start();
    }

    @AfterEach
    void stop() throws Exception {
        relay.close();
        server.stop();
        if (program != null) {
            program.close();
        }
        if (x != null) {
            x.stop();
        }
    }

    @Test
    void findsClicksAndTypesThroughTheRelay() throws Exception {
        program.window(20, 30, 100, 40, 0xcc3333);
        int button = program.window(300, 200, 160, 48, GREEN);
        try (RfbClient screen = RfbClient.connect(overRelay())) {
            var person = new Person(screen);
            Rectangle found = person.awaitRectangle(GREEN, LONG);
            assertThat(found).isEqualTo(new Rectangle(300, 200, 160, 48));
            person.screenshot(folder.resolve("shots/seen.png"));
            person.click(found);
            assertThat(event()).isEqualTo("click " + button + " 80 24");
            person.type("Ab1!\n");
            assertThat(event() + event() + event() + event() + event()).isEqualTo("key Akey bkey 1key !key return");
        }
        var picture = ImageIO.read(folder.resolve("shots/seen.png").toFile());
        assertThat(picture.getRGB(310, 210) & 0xffffff).isEqualTo(GREEN);
        assertThat(picture.getRGB(30, 40) & 0xffffff).isEqualTo(0xcc3333);
        assertThat(relay.bytesToViewers()).isPositive();
    }

    @Test
    void waitsForWhatAppearsLaterAndStandsStill() throws Exception {
        try (RfbClient screen = RfbClient.connect(new SocketTransport(x.connect()))) {
            var person = new Person(screen);
            assertThatThrownBy(() -> person.awaitRectangle(GREEN, Duration.ofMillis(200)))
                    .isInstanceOf(NotSeenException.class)
                    .hasMessageContaining("within 200 ms")
                    .hasMessageContaining("800x600: #000000");
            int button = program.window(0, 0, 120, 40, GREEN);
            Thread.ofVirtual().start(() -> {
                try {
                    for (int step = 1; step <= 20; step++) {
                        program.move(button, 10 * step, 5 * step);
                        Thread.sleep(50);
                    }
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThat(person.awaitRectangle(GREEN, LONG)).isEqualTo(new Rectangle(200, 100, 120, 40));
        }
    }

    @Test
    void seesTheSameByEveryEncoding() throws Exception {
        var random = new Random(11);
        for (int i = 0; i < 300; i++) {
            program.window(
                    random.nextInt(780),
                    random.nextInt(580),
                    1 + random.nextInt(120),
                    1 + random.nextInt(90),
                    random.nextInt(0x1000000));
        }
        program.window(700, 500, 64, 64, GREEN);
        try (RfbClient zrle = RfbClient.connect(new SocketTransport(x.connect()), RfbClient.ZRLE);
                RfbClient raw = RfbClient.connect(overRelay(), RfbClient.RAW)) {
            var one = new Person(zrle);
            var other = new Person(raw);
            one.awaitRectangle(GREEN, LONG);
            other.awaitRectangle(GREEN, LONG);
            one.screenshot(folder.resolve("zrle.png"));
            other.screenshot(folder.resolve("raw.png"));
        }
        assertThat(Files.readAllBytes(folder.resolve("zrle.png")))
                .isEqualTo(Files.readAllBytes(folder.resolve("raw.png")));
    }

    @Test
    void aRefusedTicketAndAnEndedScreenSaySo() throws Exception {
        assertThatThrownBy(() -> WebSocketTransport.connect(address(Secret.of("forged"))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("HTTP status 403")
                .hasMessageNotContaining("forged");
        try (RfbClient screen = RfbClient.connect(overRelay())) {
            x.stop();
            assertThatThrownBy(() -> new Person(screen).awaitRectangle(GREEN, LONG))
                    .isInstanceOf(NotSeenException.class)
                    // Which of them depends on whether Xvnc had read everything when it ended.
                    .hasMessageMatching("(?s).*the screen was closed: (4410 SCREEN_ENDED|4502 MACHINE_UNREACHABLE).*");
        }
    }

    private WebSocketTransport overRelay() throws IOException, InterruptedException {
        return WebSocketTransport.connect(address(tickets.issue(session, "u-1").token()));
    }

    private URI address(Secret ticket) {
        return URI.create("ws://127.0.0.1:" + server.getURI().getPort() + "/api/auth/session/" + session
                + "/screen?ticket=" + ticket.reveal());
    }

    private String event() throws InterruptedException {
        return String.valueOf(program.events.poll(20, TimeUnit.SECONDS));
    }
}
