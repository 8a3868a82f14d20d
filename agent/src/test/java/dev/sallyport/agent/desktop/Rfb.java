package dev.sallyport.agent.desktop;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** As much of a viewer (RFC 6143) as a test needs: the greeting, and whole pictures in raw encoding. */
final class Rfb {
    private final SocketChannel channel;
    private final DataInputStream in;
    private final int width;
    private final int height;

    Rfb(SocketChannel channel) throws IOException {
        this.channel = channel;
        in = new DataInputStream(Channels.newInputStream(channel));
        String version = new String(in.readNBytes(12), StandardCharsets.US_ASCII);
        if (!version.equals("RFB 003.008\n")) {
            throw new IOException("no RFB: " + version);
        }
        write("RFB 003.008\n".getBytes(StandardCharsets.US_ASCII));
        in.readNBytes(in.readUnsignedByte()); // security types
        write(new byte[] {1}); // None
        if (in.readInt() != 0) {
            throw new IOException("not let in");
        }
        write(new byte[] {1}); // shared
        width = in.readUnsignedShort();
        height = in.readUnsignedShort();
        in.readNBytes(16); // pixel format
        in.readNBytes(in.readInt()); // name
        // SetPixelFormat: 32 bits, depth 24, little endian, true colour, 8 bits each at 16, 8, 0.
        write(new byte[] {0, 0, 0, 0, 32, 24, 0, 1, 0, (byte) 255, 0, (byte) 255, 0, (byte) 255, 16, 8, 0, 0, 0, 0});
    }

    int width() {
        return width;
    }

    int height() {
        return height;
    }

    private void write(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** The colour (0xRRGGBB) of one pixel as it is now, away from the middle, where the pointer rests. */
    int colour() throws IOException {
        ByteBuffer request = ByteBuffer.allocate(10);
        request.put((byte) 3).put((byte) 0).putShort((short) (width / 4)).putShort((short) (height * 3 / 4));
        request.putShort((short) 1).putShort((short) 1);
        write(request.array());
        while (true) {
            int type = in.readUnsignedByte();
            if (type == 3) { // ServerCutText
                in.readNBytes(3);
                in.readNBytes(in.readInt());
                continue;
            }
            if (type != 0) {
                continue; // Bell
            }
            in.readByte();
            int rectangles = in.readUnsignedShort();
            int colour = 0;
            for (int i = 0; i < rectangles; i++) {
                in.readInt(); // position
                int size = in.readUnsignedShort() * in.readUnsignedShort();
                if (in.readInt() != 0) {
                    throw new IOException("not the raw encoding");
                }
                for (int pixel = 0; pixel < size; pixel++) {
                    colour = Integer.reverseBytes(in.readInt()) & 0xffffff;
                }
            }
            return colour;
        }
    }
}
