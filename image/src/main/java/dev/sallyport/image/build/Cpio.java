package dev.sallyport.image.build;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Writes an archive of the format {@code newc}, as the kernel wants an initramfs (Documentation/driver-api/early-userspace/
 * buffer-format.rst). All is owned by root, and times are zero, so that the same content is the same archive.
 */
final class Cpio implements AutoCloseable {
    private static final int FOLDER = 0040000;
    private static final int FILE = 0100000;
    private static final int LINK = 0120000;
    private static final int CHARACTER_DEVICE = 0020000;

    private final OutputStream out;
    private long written;
    private int inode;

    Cpio(OutputStream out) {
        this.out = out;
    }

    void folder(String path, int mode) throws IOException {
        entry(path, FOLDER | mode, 0, 0, new byte[0]);
    }

    void file(String path, int mode, byte[] content) throws IOException {
        entry(path, FILE | mode, 0, 0, content);
    }

    void link(String path, String target) throws IOException {
        entry(path, LINK | 0777, 0, 0, target.getBytes(StandardCharsets.UTF_8));
    }

    void device(String path, int mode, int major, int minor) throws IOException {
        entry(path, CHARACTER_DEVICE | mode, major, minor, new byte[0]);
    }

    /** Writes the end; the stream below stays open. */
    @Override
    public void close() throws IOException {
        inode = -1;
        entry("TRAILER!!!", 0, 0, 0, new byte[0]);
        pad(512);
    }

    private void entry(String path, int mode, int major, int minor, byte[] content) throws IOException {
        inode++;
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        int links = (mode & 0170000) == FOLDER ? 2 : 1;
        String head = String.format(
                Locale.ROOT,
                "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                inode,
                mode,
                0,
                0,
                links,
                0,
                content.length,
                0,
                0,
                major,
                minor,
                name.length + 1,
                0);
        write(head.getBytes(StandardCharsets.US_ASCII));
        write(name);
        write(new byte[1]);
        pad(4);
        write(content);
        pad(4);
    }

    private void pad(int to) throws IOException {
        write(new byte[(int) ((to - written % to) % to)]);
    }

    private void write(byte[] bytes) throws IOException {
        out.write(bytes);
        written += bytes.length;
    }
}
