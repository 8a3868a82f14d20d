package dev.sallyport.acceptance.player;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RfbClientTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final int DESKTOP_SIZE = -223;
    private static final int COPY_RECT = 1;

    @Test
    void greetsAndAsksForTheScreen() throws Exception {
        FakeServer server = FakeServer.greeting(4, 3);
        try (RfbClient client = RfbClient.connect(server)) {
            assertThat(client.name()).isEqualTo("test");
            assertThat(client.picture().width()).isEqualTo(4);
            byte[] sent = server.received.toByteArray();
            assertThat(new String(sent, 0, 12, StandardCharsets.US_ASCII)).isEqualTo("RFB 003.008\n");
            // Security None, shared, SetPixelFormat, SetEncodings with four, FramebufferUpdateRequest of everything.
            assertThat(sent).hasSize(12 + 1 + 1 + 20 + 4 + 16 + 10);
            assertThat(sent[12]).isEqualTo((byte) 1);
            assertThat(sent).endsWith(3, 0, 0, 0, 0, 0, 0, 4, 0, 3);
        }
    }

    @Test
    void drawsRawAndCopiesAndNewSizes() throws Exception {
        FakeServer server = FakeServer.greeting(2, 1)
                .update(1)
                .rectangle(0, 0, 2, 1, RfbClient.RAW)
                .u8(0x33, 0x22, 0x11, 0, 0x66, 0x55, 0x44, 0)
                .update(3)
                .rectangle(0, 0, 4, 2, DESKTOP_SIZE)
                .rectangle(1, 0, 2, 1, COPY_RECT)
                .u16(0, 0)
                .rectangle(0, 1, 4, 1, COPY_RECT)
                .u16(0, 0);
        Picture picture = after(server, 2);
        assertThat(pixels(picture)).containsExactly(0x112233, 0x112233, 0x445566, 0, 0x112233, 0x112233, 0x445566, 0);
    }

    @Test
    void ignoresBellsClipboardsAndColourMaps() throws Exception {
        FakeServer server = FakeServer.greeting(1, 1)
                .u8(2)
                .u8(3, 0, 0, 0)
                .s32(5)
                .ascii("hello")
                .u8(1, 0)
                .u16(0, 2)
                .u8(new int[12])
                .update(1)
                .rectangle(0, 0, 1, 1, RfbClient.RAW)
                .u8(3, 2, 1, 0);
        assertThat(pixels(after(server, 1))).containsExactly(0x010203);
    }

    @Test
    void drawsEveryKindOfZrleTile() throws Exception {
        FakeServer server = FakeServer.greeting(70, 2)
                .update(5)
                // Solid, and over the edge of a tile: 64 + 6 wide.
                .rectangle(0, 0, 70, 2, RfbClient.ZRLE)
                .zrle(1, 0x33, 0x22, 0x11, 1, 0x66, 0x55, 0x44)
                // Raw.
                .rectangle(0, 0, 2, 1, RfbClient.ZRLE)
                .zrle(0, 1, 0, 0, 2, 0, 0)
                // A palette of three in two bits each; every row begins with a new octet.
                .rectangle(2, 0, 3, 2, RfbClient.ZRLE)
                .zrle(3, 7, 0, 0, 8, 0, 0, 9, 0, 0, 0b00_01_10_00, 0b10_01_00_00)
                // Runs: five of one colour and one of another.
                .rectangle(10, 0, 3, 2, RfbClient.ZRLE)
                .zrle(128, 5, 0, 0, 4, 6, 0, 0, 0)
                // Runs by a palette of two: one single, one of three.
                .rectangle(20, 0, 4, 1, RfbClient.ZRLE)
                .zrle(130, 1, 1, 1, 2, 2, 2, 0, 0x81, 2);
        Picture picture = after(server, 1);
        assertThat(picture.colourAt(9, 0)).isEqualTo(0x112233);
        assertThat(picture.colourAt(69, 1)).isEqualTo(0x445566);
        assertThat(IntStream.range(0, 5).map(x -> picture.colourAt(x, 0))).containsExactly(1, 2, 7, 8, 9);
        assertThat(IntStream.range(2, 5).map(x -> picture.colourAt(x, 1))).containsExactly(9, 8, 7);
        assertThat(IntStream.range(10, 13).map(x -> picture.colourAt(x, 0))).containsExactly(5, 5, 5);
        assertThat(IntStream.range(10, 13).map(x -> picture.colourAt(x, 1))).containsExactly(5, 5, 6);
        assertThat(IntStream.range(20, 24).map(x -> picture.colourAt(x, 0)))
                .containsExactly(0x010101, 0x020202, 0x020202, 0x020202);
    }

    @Test
    void takesRunsOfMoreThan255() throws Exception {
        FakeServer server = FakeServer.greeting(64, 64)
                .update(1)
                .rectangle(0, 0, 64, 64, RfbClient.ZRLE)
                .zrle(IntStream.concat(
                                IntStream.of(128, 9, 9, 9),
                                IntStream.concat(
                                        IntStream.generate(() -> 255).limit(16), IntStream.of(4096 - 1 - 16 * 255)))
                        .toArray());
        assertThat(pixels(after(server, 1))).hasSize(4096).containsOnly(0x090909);
    }

    @Test
    void refusesWhatAHostileServerSends() {
        assertBroken("does not speak", new FakeServer().ascii("RFB 003.003\n"));
        assertBroken("does not speak", new FakeServer().ascii("HTTP/1.1 400"));
        assertBroken(
                "demands authentication",
                new FakeServer().ascii("RFB 003.008\n").u8(1, 2));
        assertBroken(
                "refused: busy  [0m",
                new FakeServer().ascii("RFB 003.008\n").u8(0).s32(9).ascii("busy\n\u001b[0m"));
        assertBroken(
                "a reason of 4294967295",
                new FakeServer().ascii("RFB 003.008\n").u8(0).s32(-1));
        assertBroken("65535x65535", FakeServer.greeting(65535, 65535));
        assertBroken("0x10", FakeServer.greeting(0, 10));
        assertBroken("8192x8192", FakeServer.greeting(8192, 8192));
        assertBroken("script is over", new FakeServer().ascii("RFB 003."));
    }

    @Test
    void endsWhenTheServerBreaksTheProtocolLater() throws Exception {
        assertEnds("outside", server -> server.update(1).rectangle(3, 0, 2, 1, RfbClient.RAW));
        assertEnds(
                "outside",
                server -> server.update(1).rectangle(0, 0, 1, 1, COPY_RECT).u16(4, 0));
        assertEnds("was not offered", server -> server.update(1).rectangle(0, 0, 1, 1, 7));
        assertEnds("unknown kind 99", server -> server.u8(99));
        assertEnds("a clipboard of", server -> server.u8(3, 0, 0, 0).s32(0x7fffffff));
        assertEnds(
                "a ZRLE rectangle of",
                server -> server.update(1).rectangle(0, 0, 1, 1, 16).s32(-5));
        assertEnds(
                "over its tile",
                server -> server.update(1).rectangle(0, 0, 2, 1, 16).zrle(128, 1, 1, 1, 2));
        assertEnds(
                "palette lacks",
                server -> server.update(1).rectangle(0, 0, 1, 1, 16).zrle(3, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0b11_000000));
        assertEnds(
                "unknown kind 17",
                server -> server.update(1).rectangle(0, 0, 1, 1, 16).zrle(17));
        assertEnds(
                "less data",
                server -> server.update(1).rectangle(0, 0, 2, 1, 16).zrle(0, 1, 1, 1));
        assertEnds(
                "more data",
                server -> server.update(1).rectangle(0, 0, 1, 1, 16).zrle(1, 1, 1, 1, 1));
        assertEnds(
                "is broken",
                server -> server.update(1).rectangle(0, 0, 1, 1, 16).s32(4).u8(9, 9, 9, 9));
        assertEnds("is not taken", server -> server.update(1).rectangle(0, 0, 60000, 60000, DESKTOP_SIZE));
        assertEnds("script is over", server -> server);
    }

    @Test
    void aPersonIsToldWhatWasSeenWhenTheScreenEnds() throws Exception {
        FakeServer server = FakeServer.greeting(2, 1)
                .update(1)
                .rectangle(0, 0, 2, 1, RfbClient.RAW)
                .u8(1, 2, 3, 0, 1, 2, 3, 0);
        try (RfbClient client = RfbClient.connect(server)) {
            assertThatThrownBy(() -> new Person(client).awaitRectangle(0x00ff00, LONG))
                    .isInstanceOf(NotSeenException.class)
                    .hasMessageContaining("#00ff00")
                    .hasMessageContaining("the script is over")
                    .hasMessageContaining("after 1 updates")
                    .hasMessageContaining("2x1: #030201 100 %; not a pixel of it");
        }
    }

    private static Picture after(FakeServer server, int updates) throws Exception {
        try (RfbClient client = RfbClient.connect(server)) {
            assertThat(client.awaitUpdate(updates - 1, LONG)).isTrue();
            return client.picture();
        }
    }

    private static int[] pixels(Picture picture) {
        return IntStream.range(0, picture.width() * picture.height())
                .map(i -> picture.colourAt(i % picture.width(), i / picture.width()))
                .toArray();
    }

    private static void assertBroken(String message, FakeServer server) {
        assertThatThrownBy(() -> RfbClient.connect(server).close())
                .isInstanceOf(IOException.class)
                .hasMessageContaining(message);
    }

    private static void assertEnds(String message, UnaryOperator<FakeServer> more) throws IOException {
        try (RfbClient client = RfbClient.connect(more.apply(FakeServer.greeting(4, 1)))) {
            assertThatThrownBy(() -> client.awaitUpdate(0, LONG))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(message);
        }
    }
}
