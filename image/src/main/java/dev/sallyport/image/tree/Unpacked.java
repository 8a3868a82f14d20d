package dev.sallyport.image.tree;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.UUID;

/** Decompresses what is compressed once, into a file without a name that is gone when it is closed. */
final class Unpacked {
    /** Most bytes that come out. */
    static final long MOST = 16L << 30;
    /** More than this is left free on the disk. */
    private static final long LEFT_FREE = 64L << 20;

    private static final int PIECE = 1 << 18;

    private Unpacked() {}

    /**
     * All that {@code source} holds.
     *
     * @param source stays open
     * @param temporary the folder for the file
     * @param most most bytes that may come out
     * @throws IOException when it is damaged, too large, or the disk is full
     */
    static ByteSource of(ByteSource source, Compression compression, Path temporary, long most) throws IOException {
        Path file = temporary.resolve("sallyport-" + UUID.randomUUID() + ".tar");
        FileChannel channel = FileChannel.open(
                file,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
        try {
            // An open file needs no name; so it is gone even when this program is killed.
            Files.deleteIfExists(file);
            fill(channel, source, compression, temporary, most);
            return new FileSource(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void fill(FileChannel channel, ByteSource source, Compression compression, Path temporary, long most)
            throws IOException {
        byte[] piece = new byte[PIECE];
        long written = 0;
        long room = Files.getFileStore(temporary).getUsableSpace() - LEFT_FREE;
        try (InputStream in = compression.decompress(stream(source, 0))) {
            for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                written += count;
                if (written > most) {
                    throw new TooLarge("unpacked it is larger than " + gib(most) + ", which is more than is taken");
                }
                if (written > room) {
                    throw new TooLarge("unpacked it is larger than what is free in " + temporary);
                }
                ByteBuffer buffer = ByteBuffer.wrap(piece, 0, count);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
        } catch (TooLarge e) {
            throw e;
        } catch (IOException e) {
            throw new IOException("its " + compression.word() + " data is cut short or damaged: " + e.getMessage(), e);
        }
    }

    private static String gib(long bytes) {
        return bytes >= 1 << 30
                ? String.format(Locale.ROOT, "%d GiB", bytes >> 30)
                : String.format(Locale.ROOT, "%d bytes", bytes);
    }

    /** From {@code from} to the end; closing it does not close the source. */
    static InputStream stream(ByteSource source, long from) {
        return new FilterInputStream(InputStream.nullInputStream()) {
            private long at = from;

            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
            }

            @Override
            public int read(byte[] into, int start, int count) throws IOException {
                if (at >= source.size()) {
                    return count == 0 ? 0 : -1;
                }
                int part = (int) Math.min(count, source.size() - at);
                source.read(at, ByteBuffer.wrap(into, start, part));
                at += part;
                return part;
            }
        };
    }

    /** It is sound, and yet it is not taken. */
    private static final class TooLarge extends IOException {
        private static final long serialVersionUID = 1L;

        TooLarge(String message) {
            super(message);
        }
    }
}
