package dev.sallyport.acceptance.player;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PictureTest {
    private static final int GREEN = 0x00a060;

    @Test
    void findsARectangleAndItsPlace() {
        var pixels = filled(40, 30, 0xffffff);
        paint(pixels, 40, 5, 7, 10, 6, GREEN);
        paint(pixels, 40, 20, 20, 4, 4, GREEN);
        assertThat(new Picture(40, 30, pixels).largestRectangle(GREEN, 0)).contains(new Rectangle(5, 7, 10, 6));
    }

    @Test
    void findsThePartOfAButtonThatItsLettersLeave() {
        var pixels = filled(100, 20, 0xffffff);
        paint(pixels, 100, 0, 0, 100, 20, GREEN);
        paint(pixels, 100, 45, 8, 20, 4, 0xffffff);
        assertThat(new Picture(100, 20, pixels).largestRectangle(GREEN, 0)).contains(new Rectangle(0, 0, 45, 20));
    }

    @Test
    void takesColoursWithinTheToleranceAlone() {
        var pixels = filled(10, 10, 0x102030);
        assertThat(new Picture(10, 10, pixels).largestRectangle(0x142434, 4)).contains(new Rectangle(0, 0, 10, 10));
        assertThat(new Picture(10, 10, pixels).largestRectangle(0x142435, 4)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void agreesWithTryingEveryRectangle(int seed) {
        var random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            int width = 1 + random.nextInt(9);
            int height = 1 + random.nextInt(9);
            var pixels = new int[width * height];
            double density = random.nextDouble();
            Arrays.setAll(pixels, i -> random.nextDouble() < density ? GREEN : 0);
            int best = 0;
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    for (int h = 1; y + h <= height; h++) {
                        for (int w = 1; x + w <= width; w++) {
                            if (w * h > best && all(pixels, width, x, y, w, h)) {
                                best = w * h;
                            }
                        }
                    }
                }
            }
            var found = new Picture(width, height, pixels).largestRectangle(GREEN, 0);
            assertThat(found.map(Rectangle::area).orElse(0)).isEqualTo(best);
            found.ifPresent(it -> assertThat(all(pixels, width, it.x(), it.y(), it.width(), it.height()))
                    .isTrue());
        }
    }

    @Test
    void isAPngFile() throws Exception {
        var random = new Random(3);
        var pixels = new int[61 * 33];
        Arrays.setAll(pixels, i -> random.nextInt(0x1000000));
        BufferedImage read = ImageIO.read(new ByteArrayInputStream(new Picture(61, 33, pixels).png()));
        var rgb = read.getRGB(0, 0, 61, 33, null, 0, 61);
        assertThat(Arrays.stream(rgb).map(pixel -> pixel & 0xffffff).toArray()).isEqualTo(pixels);
    }

    @Test
    void saysWhatItShows() {
        var pixels = filled(10, 10, 0xffffff);
        paint(pixels, 10, 0, 0, 10, 3, GREEN);
        assertThat(new Picture(10, 10, pixels).summary()).isEqualTo("10x10: #ffffff 70 %, #00a060 30 %");
    }

    private static int[] filled(int width, int height, int colour) {
        var pixels = new int[width * height];
        Arrays.fill(pixels, colour);
        return pixels;
    }

    private static void paint(int[] pixels, int width, int x, int y, int w, int h, int colour) {
        for (int row = y; row < y + h; row++) {
            Arrays.fill(pixels, row * width + x, row * width + x + w, colour);
        }
    }

    private static boolean all(int[] pixels, int width, int x, int y, int w, int h) {
        for (int row = y; row < y + h; row++) {
            for (int column = x; column < x + w; column++) {
                if (pixels[row * width + column] != GREEN) {
                    return false;
                }
            }
        }
        return true;
    }
}
