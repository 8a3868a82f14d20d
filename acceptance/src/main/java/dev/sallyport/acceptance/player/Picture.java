package dev.sallyport.acceptance.player;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** What a screen showed at one moment. */
public final class Picture {
    private final int width;
    private final int height;
    private final int[] pixels;

    /** @param pixels 0xRRGGBB each, row by row */
    Picture(int width, int height, int[] pixels) {
        this.width = width;
        this.height = height;
        this.pixels = pixels;
    }

    /** In pixels. */
    public int width() {
        return width;
    }

    /** In pixels. */
    public int height() {
        return height;
    }

    /** The colour at a place, 0xRRGGBB. */
    public int colourAt(int x, int y) {
        return pixels[y * width + x];
    }

    /**
     * The largest rectangle that is all of one colour.
     *
     * @param rgb the colour, 0xRRGGBB
     * @param tolerance by how much each of red, green and blue may differ
     * @return empty when no pixel has the colour
     */
    public Optional<Rectangle> largestRectangle(int rgb, int tolerance) {
        // Each row closes a histogram of how far the colour reaches up; the largest rectangle under a histogram is
        // found with a
        // stack of rising bars, so that all of it takes one look at each pixel.
        var reach = new int[width + 1];
        var stack = new int[width + 1];
        Rectangle best = null;
        for (int y = 0; y < height; y++) {
            int depth = 0;
            for (int x = 0; x <= width; x++) {
                if (x < width) {
                    reach[x] = near(pixels[y * width + x], rgb, tolerance) ? reach[x] + 1 : 0;
                }
                while (depth > 0 && reach[stack[depth - 1]] > (x == width ? 0 : reach[x])) {
                    int high = reach[stack[--depth]];
                    int left = depth == 0 ? 0 : stack[depth - 1] + 1;
                    if (best == null || high * (x - left) > best.area()) {
                        best = new Rectangle(left, y - high + 1, x - left, high);
                    }
                }
                stack[depth++] = x;
            }
        }
        return Optional.ofNullable(best);
    }

    /** The screen in a few words: its size and its commonest colours, for messages. */
    public String summary() {
        Map<Integer, Integer> counts = new HashMap<>();
        for (int pixel : pixels) {
            counts.merge(pixel, 1, Integer::sum);
        }
        List<Map.Entry<Integer, Integer>> commonest = counts.entrySet().stream()
                .sorted(Map.Entry.<Integer, Integer>comparingByValue().reversed())
                .limit(4)
                .toList();
        return width + "x" + height + ": "
                + commonest.stream()
                        .map(entry -> "#%06x %d %%".formatted(entry.getKey(), entry.getValue() * 100L / pixels.length))
                        .collect(Collectors.joining(", "))
                + (counts.size() > commonest.size()
                        ? " and " + (counts.size() - commonest.size()) + " more colours"
                        : "");
    }

    /** The picture as a PNG file (W3C Portable Network Graphics, third edition): 8 bits of red, green and blue. */
    public byte[] png() {
        var file = new ByteArrayOutputStream();
        var rows = new byte[height * (1 + 3 * width)];
        int at = 0;
        for (int y = 0; y < height; y++) {
            rows[at++] = 0; // The filter "none".
            for (int x = 0; x < width; x++) {
                int pixel = pixels[y * width + x];
                rows[at++] = (byte) (pixel >> 16);
                rows[at++] = (byte) (pixel >> 8);
                rows[at++] = (byte) pixel;
            }
        }
        try {
            file.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
            var header = new ByteArrayOutputStream();
            var fields = new DataOutputStream(header);
            fields.writeInt(width);
            fields.writeInt(height);
            fields.write(new byte[] {8, 2, 0, 0, 0});
            chunk(file, "IHDR", header.toByteArray());
            chunk(file, "IDAT", deflate(rows));
            chunk(file, "IEND", new byte[0]);
        } catch (IOException e) {
            throw new IllegalStateException("memory does not fail to take bytes", e);
        }
        return file.toByteArray();
    }

    private static boolean near(int pixel, int rgb, int tolerance) {
        return Math.abs(((pixel >> 16) & 0xff) - ((rgb >> 16) & 0xff)) <= tolerance
                && Math.abs(((pixel >> 8) & 0xff) - ((rgb >> 8) & 0xff)) <= tolerance
                && Math.abs((pixel & 0xff) - (rgb & 0xff)) <= tolerance;
    }

    private static byte[] deflate(byte[] bytes) {
        var deflated = new ByteArrayOutputStream();
        try (var deflater = new Deflater()) {
            deflater.setInput(bytes);
            deflater.finish();
            var buffer = new byte[16 * 1024];
            while (!deflater.finished()) {
                deflated.write(buffer, 0, deflater.deflate(buffer));
            }
        }
        return deflated.toByteArray();
    }

    private static void chunk(ByteArrayOutputStream file, String type, byte[] data) throws IOException {
        var out = new DataOutputStream(file);
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        var crc = new CRC32();
        crc.update(name);
        crc.update(data);
        out.writeInt(data.length);
        out.write(name);
        out.write(data);
        out.writeInt((int) crc.getValue());
    }
}
