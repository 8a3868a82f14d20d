package dev.sallyport.agent.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.net.httpserver.HttpServer;
import dev.sallyport.agent.Authorities;
import dev.sallyport.agent.Bench;
import dev.sallyport.agent.CurrentFacts;
import dev.sallyport.agent.Facts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.Parts;
import dev.sallyport.agent.Settings;
import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The desktop for real: Debian's Xvnc, openbox and Chromium, as root in an account of their own, so that the sandbox stays on. */
@Timeout(180)
class DesktopTest {
    private static final Duration LIMIT = Duration.ofSeconds(90);

    /** What the page tells of the browser that shows it. */
    private static final String PAGE = """
            <!doctype html><body style="background:#12ab34"><script>
            fetch('/told?webdriver=' + navigator.webdriver + '&width=' + innerWidth + '&height=' + innerHeight)
            </script>
            """;

    @TempDir
    Path folder;

    private final Parts parts = new Parts();
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
    private Optional<Account> account = Optional.empty();
    private HttpServer server;
    private Settings settings;
    private Desktop desktop;

    @BeforeEach
    void start() throws IOException {
        for (String program : List.of("/usr/bin/Xvnc", "/usr/bin/openbox", "/usr/lib/chromium/chromium")) {
            assumeThat(Path.of(program))
                    .as("the desktop's programs are installed")
                    .exists();
        }
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String uri = exchange.getRequestURI().toString();
            if (uri.startsWith("/told")) {
                told.add(uri);
            }
            byte[] page = PAGE.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/html");
            exchange.sendResponseHeaders(200, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        });
        server.start();
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        settings = Bench.settings(folder, Map.of("display", String.valueOf(freeDisplay())));
        var processes = new Processes();
        Files.createDirectory(settings.desktopHome());
        if (System.getProperty("user.name").equals("root")) {
            account = Optional.of(new Account("sallyport-test", 61_234, 61_234));
            processes.give(settings.desktopHome(), account.get());
        }
        Facts facts = Bench.facts(VmType.BROWSER);
        desktop = new Desktop(
                settings,
                new CurrentFacts(facts),
                processes,
                account,
                Authorities.write(settings, facts),
                parts,
                new Log(System.err));
        assertThat(parts.settled()).isFalse();
        desktop.start();
    }

    private static int freeDisplay() {
        int display = 90;
        while (Files.exists(Path.of("/tmp/.X11-unix/X" + display))
                || Files.exists(Path.of("/tmp/.X" + display + "-lock"))) {
            display++;
        }
        return display;
    }

    @AfterEach
    void stop() throws IOException {
        if (desktop != null) {
            desktop.close();
            assertThat(processes()).as("nothing is left running").isEmpty();
        }
        if (server != null) {
            server.stop(0);
        }
    }

    private List<String> processes() {
        return ProcessHandle.allProcesses()
                .map(process -> process.info().commandLine().orElse(""))
                .filter(line -> line.contains(folder.toString()) && !line.contains("surefire"))
                .toList();
    }

    /** Polls: parts have no event of their own. */
    private void awaitPart(String part, String state) {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (!state.equals(parts.snapshot().get(part)) && System.nanoTime() < end) {
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
        }
        assertThat(parts.snapshot()).containsEntry(part, state);
    }

    private String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
    }

    private String awaitTold() throws InterruptedException {
        String line = told.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
        assertThat(line).as("the page told of itself").isNotNull();
        return line;
    }

    @Test
    void aPageIsShownOverTheWholeScreenToViewersAlone() throws Exception {
        // Asked for before the browser is up: it is shown as soon as it is.
        desktop.open(url(), why -> {});
        awaitPart(Desktop.DESKTOP, Parts.OK);
        awaitPart(Desktop.CHROMIUM, Parts.OK);

        // Without its policies, which lie where only a machine's agent may write, Chromium shows a bar at the top.
        assertThat(awaitTold()).matches("/told\\?webdriver=false&width=1280&height=(720|664)");
        try (SocketChannel first = desktop.openScreen();
                SocketChannel second = desktop.openScreen()) {
            var viewer = new Rfb(first);
            new Rfb(second);
            assertThat(viewer.width()).isEqualTo(1280);
            assertThat(viewer.height()).isEqualTo(720);
            long end = System.nanoTime() + LIMIT.toNanos();
            int colour = viewer.colour();
            while (colour != 0x12ab34 && System.nanoTime() < end) {
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                colour = viewer.colour();
            }
            assertThat(colour).isEqualTo(0x12ab34);
        }
        desktop.open(url() + "again", why -> {});
        awaitTold();

        Path files = settings.run().resolve("desktop");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(files)))
                .isEqualTo("rwx------");
        assertThat(settings.policies().resolve("sallyport.json")).isNotEmptyFile();
        assertThat(connectsWithoutTheCookie()).isFalse();
    }

    /** The display's own socket answers a client without the cookie by a refusal: the first byte of the reply is 0 (X11, "Connection Setup"). */
    private boolean connectsWithoutTheCookie() throws IOException {
        return connects(new byte[0], new byte[0]);
    }

    private boolean connects(byte[] method, byte[] cookie) throws IOException {
        var address = java.net.UnixDomainSocketAddress.of("/tmp/.X11-unix/X" + settings.display());
        try (SocketChannel channel = SocketChannel.open(address)) {
            var request = java.nio.ByteBuffer.allocate(64).order(java.nio.ByteOrder.LITTLE_ENDIAN);
            request.put((byte) 'l').put((byte) 0).putShort((short) 11).putShort((short) 0);
            request.putShort((short) method.length)
                    .putShort((short) cookie.length)
                    .putShort((short) 0);
            request.put(method).position((request.position() + 3) / 4 * 4);
            request.put(cookie).flip();
            channel.write(request);
            var reply = java.nio.ByteBuffer.allocate(1);
            assertThat(channel.read(reply)).isEqualTo(1);
            return reply.get(0) != 0;
        }
    }

    private boolean connectsWith(byte[] cookie) throws IOException {
        return connects("MIT-MAGIC-COOKIE-1".getBytes(StandardCharsets.US_ASCII), cookie);
    }

    /** The last 16 bytes of the file's one entry. */
    private byte[] cookie() throws IOException {
        byte[] file = Files.readAllBytes(settings.run().resolve("desktop/xauthority"));
        return java.util.Arrays.copyOfRange(file, file.length - 16, file.length);
    }

    @Test
    void aNewCookieIsTakenAndDisturbsNobody() throws Exception {
        awaitPart(Desktop.CHROMIUM, Parts.OK);
        byte[] before = cookie();
        assertThat(connectsWith(before)).isTrue();

        // Twice within a second: the server tells by whole seconds whether the file is another.
        desktop.renewCookie();
        byte[] between = cookie();
        assertThat(connectsWith(between)).isTrue();
        desktop.renewCookie();

        assertThat(connectsWith(cookie())).isTrue();
        assertThat(cookie()).isNotEqualTo(between).isNotEqualTo(before);
        assertThat(connectsWith(new byte[16])).isFalse();
        desktop.open(url(), why -> {});
        awaitTold();
        assertThat(parts.snapshot()).containsEntry(Desktop.CHROMIUM, Parts.OK).containsEntry(Desktop.DESKTOP, Parts.OK);
    }

    @Test
    void aBrowserThatDiesComesBackWithItsPage() throws Exception {
        desktop.open(url(), why -> {});
        awaitTold();

        ProcessHandle browser = ProcessHandle.allProcesses()
                .filter(process -> process.info()
                        .commandLine()
                        .filter(line -> line.startsWith(settings.chromium() + " ")
                                && line.contains(folder.toString())
                                && !line.contains("--type="))
                        .isPresent())
                .findFirst()
                .orElseThrow();
        browser.destroyForcibly();

        awaitTold();
        awaitPart(Desktop.CHROMIUM, Parts.OK);
    }

    @Test
    void aPageThatDoesNotLoadIsToldAndOneThatDoesToo() throws Exception {
        awaitPart(Desktop.CHROMIUM, Parts.OK);
        int closed;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        BlockingQueue<Optional<Cause>> words = new LinkedBlockingQueue<>();

        desktop.open("http://127.0.0.1:" + closed + "/authorize?state=secret", words::add);

        Optional<Cause> failed = words.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
        assertThat(failed).isNotNull();
        assertThat(failed.orElseThrow().code()).isEqualTo(CauseCode.UPSTREAM_UNREACHABLE);
        assertThat(failed.orElseThrow().evidence())
                .containsExactly(
                        "Chromium on http://127.0.0.1:" + closed + "/authorize: net::ERR_CONNECTION_REFUSED, 3 times");
        desktop.open(url(), words::add);
        assertThat(words.poll(LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Optional.empty());
    }

    @ParameterizedTest
    @CsvSource({
        "net::ERR_PROXY_CONNECTION_FAILED, EGRESS_DOWN, net::ERR_PROXY_CONNECTION_FAILED",
        "net::ERR_TUNNEL_CONNECTION_FAILED, UPSTREAM_UNREACHABLE, net::ERR_TUNNEL_CONNECTION_FAILED",
        "a page's own words, UPSTREAM_UNREACHABLE, an error without a name",
    })
    void chromiumsErrorsHaveTheirCauses(String error, CauseCode code, String told) {
        Cause cause = PageLoad.cause("https://id.example.test/a?code=secret", error, 3);
        assertThat(cause.code()).isEqualTo(code);
        assertThat(cause.evidence()).containsExactly("Chromium on https://id.example.test/a: " + told + ", 3 times");
    }
}
