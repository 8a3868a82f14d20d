package dev.sallyport.image.tree;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorInputStream;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.XZInputStream;

/** The ways in which archives are compressed, each told by its first bytes. */
public enum Compression {
    /** RFC 1952. */
    GZIP("gzip", "\037\213"),
    /** The .xz File Format. */
    XZ("xz", "\3757zXZ\0"),
    /** RFC 8878. */
    ZSTD("zstd", "(\265/\375"),
    /** As bzip2(1) writes it. */
    BZIP2("bzip2", "BZh"),
    /** The LZ4 Frame Format. */
    LZ4("lz4", "\4\"M\030"),
    /** The legacy frame of the LZ4 Frame Format, which Linux takes. */
    LZ4_LEGACY("lz4", "\2!L\030"),
    /** The .lzma format that came before .xz. */
    LZMA("lzma", "]\0\0");

    private static final int BUFFER = 1 << 16;
    /** What a decoder may take, in KiB: some times of what xz -9 needs. */
    private static final int MEMORY_KIB = 256 << 10;
    /** The largest window that a decoder of zstd takes: 128 MiB, as zstd(1) does. */
    private static final int LARGEST_WINDOW = 27;

    private final String word;
    /** Its first bytes, each as the character of that number. */
    private final String magic;

    Compression(String word, String magic) {
        this.word = word;
        this.magic = magic;
    }

    /** How people call it. */
    public String word() {
        return word;
    }

    /** The one that something with these first bytes is compressed with; eight bytes are enough. */
    public static Optional<Compression> of(byte[] first) {
        String begin = new String(first, StandardCharsets.ISO_8859_1);
        return Arrays.stream(values())
                .filter(one -> begin.startsWith(one.magic))
                .findFirst();
    }

    /**
     * What {@code compressed} holds. A decoder's memory is bounded; how much comes out is for the reader to bound.
     *
     * @param compressed is at its first byte; closed with what is returned
     * @throws IOException when it is damaged, then or while it is read
     */
    public InputStream decompress(InputStream compressed) throws IOException {
        InputStream in = new BufferedInputStream(compressed, BUFFER);
        InputStream decoder = switch (this) {
            case GZIP -> new GZIPInputStream(in, BUFFER);
            case XZ -> new XZInputStream(in, MEMORY_KIB);
            case ZSTD -> new ZstdInputStream(in).setLongMax(LARGEST_WINDOW);
            case BZIP2 -> new BZip2CompressorInputStream(in, true);
            case LZ4 -> new FramedLZ4CompressorInputStream(in, true);
            case LZ4_LEGACY -> new LegacyLz4Stream(in);
            case LZMA -> new LZMAInputStream(in, MEMORY_KIB);
        };
        return new SoundStream(decoder);
    }

    /** Decoders fail in ways of their own on what is damaged; who reads needs to know one. */
    private static final class SoundStream extends InputStream {
        private final InputStream decoder;

        SoundStream(InputStream decoder) {
            this.decoder = decoder;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
        }

        @Override
        public int read(byte[] into, int from, int count) throws IOException {
            try {
                return decoder.read(into, from, count);
            } catch (RuntimeException e) {
                throw new IOException("its compressed data is damaged", e);
            }
        }

        @Override
        public void close() throws IOException {
            decoder.close();
        }
    }
}
