package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file, as large as it was when it was opened. */
final class FileSource implements ByteSource {
    private final FileChannel file;
    private final long size;

    /** @param file closed with this */
    FileSource(FileChannel file) throws IOException {
        this.file = file;
        this.size = file.size();
    }

    static FileSource open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new FileSource(channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(long from, ByteBuffer into) throws IOException {
        need(from, into.remaining());
        long at = from;
        while (into.hasRemaining()) {
            int count = file.read(into, at);
            if (count < 0) {
                throw new IOException("it was cut short while it was read");
            }
            at += count;
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
