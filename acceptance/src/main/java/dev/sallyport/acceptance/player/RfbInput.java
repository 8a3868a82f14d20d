package dev.sallyport.acceptance.player;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Reads the RFB protocol's numbers (big-endian) from a transport. */
final class RfbInput {
    private final ByteTransport transport;
    private final byte[] buffer = new byte[16 * 1024];
    private int at;
    private int end;

    RfbInput(ByteTransport transport) {
        this.transport = transport;
    }

    int u8() throws IOException {
        if (at == end) {
            end = transport.read(buffer, 0, buffer.length);
            at = 0;
        }
        return buffer[at++] & 0xff;
    }

    int u16() throws IOException {
        return (u8() << 8) | u8();
    }

    int s32() throws IOException {
        return (u16() << 16) | u16();
    }

    /** A length, of at most {@code most}. */
    int length(String what, int most) throws IOException {
        int length = s32();
        if (length < 0 || length > most) {
            throw new RfbException(
                    what + " of " + Integer.toUnsignedString(length) + " bytes; at most " + most + " are taken");
        }
        return length;
    }

    void bytes(byte[] into, int offset, int length) throws IOException {
        int done = 0;
        while (done < length) {
            if (at < end) {
                int count = Math.min(length - done, end - at);
                System.arraycopy(buffer, at, into, offset + done, count);
                at += count;
                done += count;
            } else {
                done += transport.read(into, offset + done, length - done);
            }
        }
    }

    byte[] bytes(int length) throws IOException {
        var bytes = new byte[length];
        bytes(bytes, 0, length);
        return bytes;
    }

    /** Reads and forgets. */
    void skip(int length) throws IOException {
        for (int left = length; left > 0; ) {
            if (at == end) {
                end = transport.read(buffer, 0, buffer.length);
                at = 0;
            }
            int count = Math.min(left, end - at);
            at += count;
            left -= count;
        }
    }

    /** A text with its length before it, printable and of at most {@code most} bytes. */
    String text(String what, int most) throws IOException {
        return new String(bytes(length(what, most)), StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", " ");
    }
}
