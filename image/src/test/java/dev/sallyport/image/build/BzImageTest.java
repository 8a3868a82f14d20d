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
import org.apache.commons.compress.compressors.lz4.BlockLZ4CompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BzImageTest {
    private static final int SETUP_SECTORS = 3;

    @ParameterizedTest
    @ValueSource(ints = {1, 1000, 8 << 20, (8 << 20) + 1, 20_000_000})
    void lz4(int size) throws IOException {
        byte[] kernel = kernel(size);

        BzImage.Payload payload = BzImage.payload(bzImage(lz4Legacy(kernel), kernel.length));

        assertThat(payload.compression()).isEqualTo(BzImage.Compression.LZ4);
        assertThat(payload.decompress()).isEqualTo(kernel);
    }

    @Test
    void gzip() throws IOException {
        byte[] kernel = kernel(300_000);
        var compressed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(compressed)) {
            gzip.write(kernel);
        }
        // The size at its end is gzip's own trailer.
        byte[] bytes = compressed.toByteArray();

        BzImage.Payload payload =
                BzImage.payload(bzImage(Arrays.copyOf(bytes, bytes.length - 4), kernel.length));

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
        assertThat(BzImage.payload(bzImage(new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 9}, 10)).compression())
                .isEqualTo(BzImage.Compression.ZSTD);
    }

    @Test
    void whatIsNoneIsRefused() throws IOException {
        byte[] image = bzImage(lz4Legacy(kernel(1000)), 1000);

        assertThatThrownBy(() -> BzImage.payload(new byte[100])).hasMessageContaining("not a bzImage");
        assertThatThrownBy(() -> BzImage.payload(Arrays.copyOf(image, image.length - 1))).hasMessageContaining("outside");
        byte[] old = image.clone();
        old[0x206] = 7;
        assertThatThrownBy(() -> BzImage.payload(old)).hasMessageContaining("older than 2.08");
        assertThatThrownBy(() -> BzImage.payload(bzImage(new byte[] {'?', '?', '?', '?'}, 10)))
                .hasMessageContaining("3f3f3f3f");
        assertThatThrownBy(() -> BzImage.payload(bzImage(lz4Legacy(kernel(1000)), -1))).hasMessageContaining("size");
        assertThatThrownBy(() -> BzImage.payload(bzImage(lz4Legacy(kernel(1000)), 1001)).decompress())
                .hasMessageContaining("1000 bytes instead of 1001");
    }

    @Test
    void damagedBlocksAreNamedAndNothingElse() throws IOException {
        byte[] good = lz4Legacy(kernel(50_000));
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

    /** Bytes that compress, with runs and repetitions near and far. */
    private static byte[] kernel(int size) {
        byte[] kernel = new byte[size];
        var random = new Random(size);
        for (int at = 0; at < size; ) {
            int length = Math.min(size - at, 1 + random.nextInt(400));
            if (at > 100 && random.nextBoolean()) {
                int back = 1 + random.nextInt(Math.min(at, 60_000));
                for (int n = 0; n < length; n++) {
                    kernel[at + n] = kernel[at + n - back];
                }
            } else {
                for (int n = 0; n < length; n++) {
                    kernel[at + n] = (byte) random.nextInt(8);
                }
            }
            at += length;
        }
        return kernel;
    }

    private static byte[] lz4Legacy(byte[] kernel) throws IOException {
        var all = new ByteArrayOutputStream();
        all.writeBytes(new byte[] {0x02, 0x21, 0x4c, 0x18});
        for (int from = 0; from < kernel.length; from += 8 << 20) {
            var block = new ByteArrayOutputStream();
            try (var lz4 = new BlockLZ4CompressorOutputStream(block)) {
                lz4.write(kernel, from, Math.min(8 << 20, kernel.length - from));
            }
            all.writeBytes(littleEndian(block.size()));
            all.writeBytes(block.toByteArray());
        }
        return all.toByteArray();
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
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
    }
}
