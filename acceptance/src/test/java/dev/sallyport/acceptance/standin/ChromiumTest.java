package dev.sallyport.acceptance.standin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The approval page in a real Chromium, seen as pixels and pressed with the mouse, to the end of the demo tool's sign-in. */
@Tag("machines")
class ChromiumTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path home;

    /** Speaks the DevTools protocol over one WebSocket: one call at a time, events dropped. */
    private static final class Page implements WebSocket.Listener {
        private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
        private final StringBuilder part = new StringBuilder();
        private @Nullable WebSocket socket;
        private int last;

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence text, boolean whole) {
            part.append(text);
            if (whole) {
                messages.add(part.toString());
                part.setLength(0);
            }
            from.request(1);
            return null;
        }

        JsonNode call(String method, Map<String, ?> parameters) throws Exception {
            int id = ++last;
            Objects.requireNonNull(socket)
                    .sendText(JSON.writeValueAsString(Map.of("id", id, "method", method, "params", parameters)), true)
                    .join();
            while (true) {
                String message = messages.poll(LONG.toSeconds(), TimeUnit.SECONDS);
                assertThat(message).as("an answer to " + method).isNotNull();
                JsonNode answer = JSON.readTree(message);
                if (answer.path("id").asInt() == id) {
                    assertThat(answer.get("error")).isNull();
                    return answer.get("result");
                }
            }
        }
    }

    /** The smallest rectangle around all pixels of the colour. */
    private static Rectangle find(BufferedImage image, int colour) {
        var found = new Rectangle(0, 0, -1, -1); // Empty: adding to it answers what was added.
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                if ((image.getRGB(x, y) & 0xffffff) == colour) {
                    found.add(new Rectangle(x, y, 1, 1));
                }
            }
        }
        return found;
    }

    @Test
    void aPlayerWhoSeesPixelsAloneFindsTheButtonAndSignsIn() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/chromium")), "there is no /usr/bin/chromium");
        try (StandInVendors vendors = StandInVendors.start();
                HttpClient http = HttpClient.newHttpClient()) {
            String proxy = "http://127.0.0.1:" + vendors.proxy().getPort();
            Path ca = Files.writeString(home.resolve("ca.pem"), vendors.caPem());
            byte[] key = vendors.caCertificate().getPublicKey().getEncoded();
            String pin = Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(key));

            try (ToolRun login = ToolRun.start(
                    home,
                    Map.of(
                            "HOME",
                            home.toString(),
                            "HTTPS_PROXY",
                            proxy,
                            "NODE_EXTRA_CA_CERTS",
                            ca.toString(),
                            "BROWSER",
                            "/bin/true"),
                    List.of(ToolRun.demo().toString(), "login"))) {
                String url = login.awaitLine("https://", LONG);
                try (ToolRun chromium = ToolRun.start(
                        home,
                        Map.of("HOME", home.toString(), "TMPDIR", home.toString()),
                        List.of(
                                "/usr/bin/chromium",
                                "--headless=new",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--remote-debugging-port=0",
                                "--user-data-dir=" + home.resolve("profile"),
                                "--proxy-server=" + proxy,
                                "--ignore-certificate-errors-spki-list=" + pin,
                                "--window-size=1280,720",
                                url))) {
                    String devTools = chromium.awaitLine("DevTools listening on ", LONG);
                    URI endpoint = URI.create(devTools.substring(devTools.indexOf("ws://")));
                    press(http, endpoint);
                    assertThat(login.exitCode(LONG)).as(login.output()).isZero();
                    assertThat(login.output()).contains("Signed in as Test Account");
                }
            }
        }
    }

    private static void press(HttpClient http, URI endpoint) throws Exception {
        JsonNode pages = JSON.readTree(http.send(
                        HttpRequest.newBuilder(URI.create("http://" + endpoint.getAuthority() + "/json/list"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body());
        var page = new Page();
        for (JsonNode candidate : pages) {
            if (candidate.get("type").asText().equals("page")) {
                page.socket = http.newWebSocketBuilder()
                        .buildAsync(
                                URI.create(candidate.get("webSocketDebuggerUrl").asText()), page)
                        .join();
            }
        }
        int colour = Integer.parseInt(StandInVendors.APPROVE_COLOUR.substring(1), 16);
        long end = System.nanoTime() + LONG.toNanos();
        Rectangle button;
        do {
            // Asked again until the page is drawn: pixels have no event that says so.
            assertThat(System.nanoTime())
                    .as("the button's colour is on the screen")
                    .isLessThan(end);
            byte[] png = Base64.getDecoder()
                    .decode(page.call("Page.captureScreenshot", Map.of("format", "png"))
                            .get("data")
                            .asText());
            button = find(ImageIO.read(new ByteArrayInputStream(png)), colour);
        } while (button.width < 1);
        assertThat(button.width).isGreaterThanOrEqualTo(400);
        assertThat(button.height).isGreaterThanOrEqualTo(70);
        assertThat(button.getMaxY())
                .as("the button is on the first screen of 720 lines")
                .isLessThan(620);
        for (String type : List.of("mousePressed", "mouseReleased")) {
            page.call(
                    "Input.dispatchMouseEvent",
                    Map.of(
                            "type",
                            type,
                            "x",
                            (int) button.getCenterX(),
                            "y",
                            (int) button.getMaxY() - 8,
                            "button",
                            "left",
                            "clickCount",
                            1));
        }
    }
}
