package dev.sallyport.image.build;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The archive that the kernel unpacks at boot: busybox, modules, and our init. It is not compressed: unpacking would cost the
 * machine more than reading does.
 */
final class Initramfs {
    private Initramfs() {}

    /** Our init. */
    static byte[] init() {
        try (InputStream in = Initramfs.class.getResourceAsStream("init")) {
            if (in == null) {
                throw new IllegalStateException("the product lacks its own init");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("the product's own init cannot be read", e);
        }
    }

    /** The kernel unpacks archives one after the other, so ours follows the one with busybox and modules. */
    static void write(Path parts, Path to) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(to))) {
            Files.copy(parts, out);
            try (var cpio = new Cpio(out)) {
                for (String folder : new String[] {"dev", "proc", "sys"}) {
                    cpio.folder(folder, 0755);
                }
                cpio.device("dev/console", 0600, 5, 1);
                cpio.file("init", 0755, init());
            }
        }
    }
}
