package dev.sallyport.acceptance.player;

import java.io.IOException;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The ZRLE encoding (RFC 6143, section 7.7.6): tiles of at most 64x64 pixels, each solid, packed by a palette, run-length encoded
 * or raw, all in one zlib stream that lasts as long as the connection. Pixels are three bytes, blue first, as the pixel format
 * that {@link RfbClient} asks for.
 */
final class ZrleDecoder implements AutoCloseable {
    private static final int TILE = 64;

    /** Longest compressed rectangle: deflate never makes data much longer than it was. */
    private static final int MAX_COMPRESSED = 4 * Framebuffer.MAX_PIXELS;

    private final Inflater inflater = new Inflater();
    private final byte[] compressed = new byte[16 * 1024];
    private final byte[] plain = new byte[16 * 1024];
    private final int[] palette = new int[128];
    private int compressedLeft;
    private int at;
    private int end;

    /** Reads one rectangle into the framebuffer, within which it was found to lie. */
    void decode(RfbInput input, Framebuffer screen, int x, int y, int w, int h) throws IOException {
        compressedLeft = input.length("a ZRLE rectangle", MAX_COMPRESSED);
        for (int ty = y; ty < y + h; ty += TILE) {
            for (int tx = x; tx < x + w; tx += TILE) {
                tile(input, screen, tx, ty, Math.min(TILE, x + w - tx), Math.min(TILE, y + h - ty));
            }
        }
        if (at != end) {
            throw new RfbException("a ZRLE rectangle has more data than pixels");
        }
        finish(input);
    }

    private void tile(RfbInput input, Framebuffer screen, int x, int y, int w, int h) throws IOException {
        int kind = u8(input);
        if (kind == 0) {
            for (int i = 0; i < w * h; i++) {
                screen.set(x + i % w, y + i / w, pixel(input));
            }
        } else if (kind == 1) {
            fill(screen, x, y, w, 0, w * h, pixel(input));
        } else if (kind <= 16) {
            packed(input, screen, x, y, w, h, kind);
        } else if (kind == 128) {
            for (int i = 0; i < w * h; ) {
                int colour = pixel(input);
                i = run(input, screen, x, y, w, h, i, colour);
            }
        } else if (kind >= 130) {
            int colours = kind - 128;
            readPalette(input, colours);
            for (int i = 0; i < w * h; ) {
                int index = u8(input);
                int colour = colour(index & 0x7f, colours);
                if (index < 128) {
                    fill(screen, x, y, w, i, 1, colour);
                    i++;
                } else {
                    i = run(input, screen, x, y, w, h, i, colour);
                }
            }
        } else {
            throw new RfbException("a ZRLE tile of the unknown kind " + kind);
        }
    }

    private void packed(RfbInput input, Framebuffer screen, int x, int y, int w, int h, int colours)
            throws IOException {
        readPalette(input, colours);
        int bits = colours == 2 ? 1 : colours <= 4 ? 2 : 4;
        for (int row = 0; row < h; row++) {
            int have = 0;
            int octet = 0;
            for (int column = 0; column < w; column++) {
                if (have == 0) {
                    octet = u8(input);
                    have = 8;
                }
                have -= bits;
                screen.set(x + column, y + row, colour((octet >> have) & ((1 << bits) - 1), colours));
            }
        }
    }

    private int run(RfbInput input, Framebuffer screen, int x, int y, int w, int h, int from, int colour)
            throws IOException {
        int length = 1;
        int octet;
        do {
            octet = u8(input);
            length += octet;
            if (length > w * h - from) {
                throw new RfbException("a ZRLE run goes over its tile");
            }
        } while (octet == 255);
        fill(screen, x, y, w, from, length, colour);
        return from + length;
    }

    private static void fill(Framebuffer screen, int x, int y, int w, int from, int length, int colour) {
        for (int i = from; i < from + length; i++) {
            screen.set(x + i % w, y + i / w, colour);
        }
    }

    private void readPalette(RfbInput input, int colours) throws IOException {
        for (int i = 0; i < colours; i++) {
            palette[i] = pixel(input);
        }
    }

    private int colour(int index, int colours) throws RfbException {
        if (index >= colours) {
            throw new RfbException("a ZRLE tile names a colour that its palette lacks");
        }
        return palette[index];
    }

    private int pixel(RfbInput input) throws IOException {
        return u8(input) | (u8(input) << 8) | (u8(input) << 16);
    }

    private int u8(RfbInput input) throws IOException {
        while (at == end) {
            inflate(input);
        }
        return plain[at++] & 0xff;
    }

    private void inflate(RfbInput input) throws IOException {
        if (inflater.needsInput()) {
            if (compressedLeft == 0) {
                throw new RfbException("a ZRLE rectangle has less data than pixels");
            }
            int count = Math.min(compressedLeft, compressed.length);
            input.bytes(compressed, 0, count);
            compressedLeft -= count;
            inflater.setInput(compressed, 0, count);
        }
        try {
            at = 0;
            end = inflater.inflate(plain);
            if (end == 0 && (inflater.finished() || inflater.needsDictionary())) {
                throw new RfbException("the ZRLE stream ended");
            }
        } catch (DataFormatException e) {
            throw new RfbException("the ZRLE stream is broken: " + e.getMessage());
        }
    }

    /** Takes the rest of a rectangle's compressed bytes, such as the mark of a flush: it inflates to nothing. */
    private void finish(RfbInput input) throws IOException {
        while (compressedLeft > 0 || !inflater.needsInput()) {
            inflate(input);
            if (end != 0) {
                throw new RfbException("a ZRLE rectangle has more data than pixels");
            }
        }
    }

    @Override
    public void close() {
        inflater.end();
    }
}
