package dev.sallyport.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Small looks at files that several checks share. */
final class Paths {
    private Paths() {}

    /** The folder itself, or the nearest one above it that is there. */
    static Path nearest(Path folder) {
        Path at = folder.toAbsolutePath().normalize();
        while (!Files.exists(at)) {
            Path above = at.getParent();
            if (above == null) {
                return at;
            }
            at = above;
        }
        return at;
    }

    /** The name of a file's owner. */
    static String owner(Path file) throws IOException {
        return Files.getOwner(file).getName();
    }

    /** Bytes for people, in GiB. */
    static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
