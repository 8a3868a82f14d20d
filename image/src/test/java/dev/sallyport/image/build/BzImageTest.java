package dev.sallyport.image.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BzImageTest {
    private static final int SETUP_SECTORS = 3;

    @ParameterizedTest
    @ValueSource(ints = {1, 1000, 8 << 20, (8 << 20) + 1, 20_000_000})
    void lz4(int size) throws IOException {
        var compressed = new Compressed(size);

        BzImage.Payload payload = BzImage.payload(bzImage(compressed.lz4, size));

        assertThat(payload.compression()).isEqualTo(BzImage.Compression.LZ4);
        assertThat(payload.decompress()).isEqualTo(compressed.kernel);
    }

    @Test
    void gzip() throws IOException {
        byte[] kernel = new Compressed(300_000).kernel;
        var compressed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(compressed)) {
            gzip.write(kernel);
        }
        // The size at its end is gzip's own trailer.
        byte[] bytes = compressed.toByteArray();

        BzImage.Payload payload = BzImage.payload(bzImage(Arrays.copyOf(bytes, bytes.length - 4), kernel.length));

        assertThat(payload.compression()).isEqualTo(BzImage.Compression.GZIP);
        assertThat(payload.decompress()).isEqualTo(kernel);
    }

    @Test
    void whatProgramsDecompressIsWrittenWithoutTheSizeBehindIt() throws IOException {
        byte[] xz = {(byte) 0xfd, '7', 'z', 'X', 'Z', 0, 1, 2, 3};
        BzImage.Payload payload = BzImage.payload(bzImage(xz, 1234));
        var written = new ByteArrayOutputStream();
        payload.write(written);

        assertThat(payload.compression()).isEqualTo(BzImage.Compression.XZ);
        assertThat(written.toByteArray()).isEqualTo(xz);
        assertThat(BzImage.payload(bzImage(new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 9}, 10))
                        .compression())
                .isEqualTo(BzImage.Compression.ZSTD);
    }

    @Test
    void whatIsNoneIsRefused() throws IOException {
        byte[] image = bzImage(new Compressed(1000).lz4, 1000);

        assertThatThrownBy(() -> BzImage.payload(new byte[100])).hasMessageContaining("not a bzImage");
        assertThatThrownBy(() -> BzImage.payload(Arrays.copyOf(image, image.length - 1)))
                .hasMessageContaining("outside");
        byte[] old = image.clone();
        old[0x206] = 7;
        assertThatThrownBy(() -> BzImage.payload(old)).hasMessageContaining("older than 2.08");
        assertThatThrownBy(() -> BzImage.payload(bzImage(new byte[] {'?', '?', '?', '?'}, 10)))
                .hasMessageContaining("3f3f3f3f");
        assertThatThrownBy(() -> BzImage.payload(bzImage(new Compressed(1000).lz4, -1)))
                .hasMessageContaining("size");
        assertThatThrownBy(() ->
                        BzImage.payload(bzImage(new Compressed(1000).lz4, 1001)).decompress())
                .hasMessageContaining("1000 bytes instead of 1001");
    }

    @Test
    void damagedBlocksAreNamedAndNothingElse() throws IOException {
        byte[] good = new Compressed(50_000).lz4;
        var random = new Random(7);
        for (int n = 0; n < 2000; n++) {
            byte[] bad = good.clone();
            bad[4 + random.nextInt(bad.length - 4)] = (byte) random.nextInt();
            try {
                assertThat(BzImage.payload(bzImage(bad, 50_000)).decompress()).hasSize(50_000);
            } catch (IOException e) {
                assertThat(e).hasMessageMatching(".*(damaged|cut short|instead of).*");
            }
        }
    }

    /** A kernel of runs and repetitions near and far, and the same as LZ4 blocks of at most 8 MiB. */
    private static final class Compressed {
        final byte[] kernel;
        final byte[] lz4;

        Compressed(int size) {
            kernel = new byte[size];
            var all = new ByteArrayOutputStream();
            all.writeBytes(new byte[] {0x02, 0x21, 0x4c, 0x18});
            var random = new Random(size);
            for (int from = 0; from < size; from += 8 << 20) {
                byte[] block = block(from, Math.min(from + (8 << 20), size), random);
                all.writeBytes(littleEndian(block.length));
                all.writeBytes(block);
            }
            lz4 = all.toByteArray();
        }

        /** Sequences of literals and a match; the last has literals alone. */
        private byte[] block(int from, int to, Random random) {
            var block = new ByteArrayOutputStream();
            int at = from;
            while (true) {
                int literals = Math.min(to - at, 1 + random.nextInt(300));
                for (int n = 0; n < literals; n++) {
                    kernel[at + n] = (byte) random.nextInt();
                }
                int match = Math.min(to - at - literals - 12, 4 + random.nextInt(600));
                if (match < 4) {
                    for (int n = literals; n < to - at; n++) {
                        kernel[at + n] = (byte) random.nextInt();
                    }
                    sequence(block, at, to - at, 0, 0);
                    return block.toByteArray();
                }
                int offset = 1 + random.nextInt(Math.min(at + literals - from, 65_535));
                for (int n = at + literals; n < at + literals + match; n++) {
                    kernel[n] = kernel[n - offset];
                }
                sequence(block, at, literals, offset, match);
                at += literals + match;
            }
        }

        private void sequence(ByteArrayOutputStream block, int at, int literals, int offset, int match) {
            int matchCode = Math.max(match - 4, 0);
            block.write(Math.min(literals, 15) << 4 | Math.min(matchCode, 15));
            more(block, literals);
            block.write(kernel, at, literals);
            if (match > 0) {
                block.write(offset);
                block.write(offset >> 8);
                more(block, matchCode);
            }
        }

        private static void more(ByteArrayOutputStream block, int length) {
            for (int left = length - 15; left >= 0; left -= 255) {
                block.write(Math.min(left, 255));
            }
        }
    }

    private static byte[] bzImage(byte[] payload, int size) {
        int start = (SETUP_SECTORS + 1) * 512 + 100;
        ByteBuffer image = ByteBuffer.allocate(start + payload.length + 4).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0x1f1, (byte) SETUP_SECTORS);
        image.put(0x202, new byte[] {'H', 'd', 'r', 'S'});
        image.putShort(0x206, (short) 0x020f);
        image.putInt(0x248, 100);
        image.putInt(0x24c, payload.length + 4);
        image.put(start, payload);
        image.putInt(start + payload.length, size);
        return image.array();
    }

    private static byte[] littleEndian(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }
}
