package dev.sallyport.image.build;

import java.io.IOException;

/** Decodes LZ4 blocks (the LZ4 Block Format Description of the lz4 project). */
public final class Lz4 {
    private Lz4() {}

    /**
     * Decodes one block, or as much of it as there is room for.
     *
     * @param in holds the block
     * @param from where it begins
     * @param length its length
     * @param out takes what is decoded; matches may reach back to {@code at} and no further
     * @param at where the first byte goes
     * @param room most bytes to decode
     * @return how many bytes were decoded
     * @throws IOException when the block is damaged
     */
    public static int decode(byte[] in, int from, int length, byte[] out, int at, int room) throws IOException {
        int i = from;
        int end = from + length;
        int o = at;
        int limit = at + room;
        while (i < end) {
            int token = Byte.toUnsignedInt(in[i++]);
            int literals = token >>> 4;
            if (literals == 15) {
                int more;
                do {
                    need(i < end);
                    more = Byte.toUnsignedInt(in[i++]);
                    literals += more;
                    need(literals >= 0);
                } while (more == 255);
            }
            need(literals <= end - i);
            int fits = Math.min(literals, limit - o);
            System.arraycopy(in, i, out, o, fits);
            o += fits;
            i += literals;
            if (i == end || o == limit) {
                break;
            }
            need(i + 2 <= end);
            int offset = Byte.toUnsignedInt(in[i]) | Byte.toUnsignedInt(in[i + 1]) << 8;
            i += 2;
            int match = (token & 15) + 4;
            if ((token & 15) == 15) {
                int more;
                do {
                    need(i < end);
                    more = Byte.toUnsignedInt(in[i++]);
                    match += more;
                    need(match >= 0);
                } while (more == 255);
            }
            need(offset > 0 && offset <= o - at);
            int copied = Math.min(match, limit - o);
            if (offset >= copied) {
                System.arraycopy(out, o - offset, out, o, copied);
            } else {
                for (int n = 0; n < copied; n++) {
                    out[o + n] = out[o + n - offset];
                }
            }
            o += copied;
            if (o == limit) {
                break;
            }
        }
        return o - at;
    }

    private static void need(boolean sound) throws IOException {
        if (!sound) {
            throw new IOException("an LZ4 block is damaged");
        }
    }
}
