package dev.sallyport.bench.machines;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Reads one whole picture of a screen through the relay, in RFB 3.8 (RFC 6143) without any compression. */
final class ScreenGlance {
    private static final byte NONE = 1;
    private static final byte SHARED = 1;
    private static final int BYTES_A_PIXEL = 4;
    private static final int PIXEL_FORMAT = 16;

    private ScreenGlance() {}

    /**
     * Takes it.
     *
     * @param address of the relay, with its ticket
     * @throws IOException when the screen is not what it should be, or does not come
     */
    static void take(URI address, Duration atMost)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        try (HttpClient http = HttpClient.newHttpClient();
                var written = new PipedOutputStream();
                var in = new DataInputStream(new PipedInputStream(written, 1 << 20))) {
            WebSocket socket = http.newWebSocketBuilder()
                    .subprotocols("binary")
                    .buildAsync(address, new Into(written))
                    .get(atMost.toMillis(), TimeUnit.MILLISECONDS);
            var taken = new CompletableFuture<Void>();
            Thread.ofVirtual().start(() -> {
                try {
                    picture(socket, in);
                    taken.complete(null);
                } catch (IOException | RuntimeException e) {
                    taken.completeExceptionally(e);
                }
            });
            try {
                taken.get(atMost.toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                socket.abort();
            }
        }
    }

    private static void picture(WebSocket socket, DataInputStream in) throws IOException {
        byte[] version = in.readNBytes(12);
        send(socket, version);
        byte[] kinds = in.readNBytes(in.readUnsignedByte());
        if (kinds.length == 0 || kinds[0] != NONE) {
            throw new IOException("the screen wants a password");
        }
        send(socket, new byte[] {NONE});
        if (in.readInt() != 0) {
            throw new IOException("the screen refuses");
        }
        send(socket, new byte[] {SHARED});
        int width = in.readUnsignedShort();
        int height = in.readUnsignedShort();
        in.skipNBytes(PIXEL_FORMAT);
        in.skipNBytes(in.readInt());
        send(
                socket,
                ByteBuffer.allocate(8)
                        .put((byte) 2)
                        .put((byte) 0)
                        .putShort((short) 1)
                        .putInt(0)
                        .array());
        send(
                socket,
                ByteBuffer.allocate(10)
                        .put((byte) 3)
                        .put((byte) 0)
                        .putInt(0)
                        .putShort((short) width)
                        .putShort((short) height)
                        .array());
        if (in.readUnsignedShort() != 0) {
            throw new IOException("the screen sends something else than a picture");
        }
        int rectangles = in.readUnsignedShort();
        for (int i = 0; i < rectangles; i++) {
            in.skipNBytes(4);
            long pixels = (long) in.readUnsignedShort() * in.readUnsignedShort();
            if (in.readInt() != 0) {
                throw new IOException("a rectangle of the picture is not raw");
            }
            in.skipNBytes(pixels * BYTES_A_PIXEL);
        }
    }

    private static void send(WebSocket socket, byte[] bytes) {
        socket.sendBinary(ByteBuffer.wrap(bytes), true).join();
    }

    /** Writes what comes to a pipe, and asks for more when that is done. */
    private record Into(PipedOutputStream pipe) implements WebSocket.Listener {
        @Override
        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            try {
                pipe.write(bytes);
                pipe.flush();
            } catch (IOException e) {
                socket.abort(); // Nobody reads any more.
            }
            socket.request(1);
            return CompletableFuture.completedStage(null);
        }
    }
}
