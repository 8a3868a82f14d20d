package dev.sallyport.controller.store.postgres;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;

/** The server's log: one file, and the one before it. */
final class ServerLog {
    private static final long ROTATE_AT = 4L << 20;
    private static final int READ_MOST = 64 << 10;

    private final Path file;

    private ServerLog(Path file) {
        this.file = file;
    }

    /** Begins a new file when the old one has grown; the server itself writes little: no statements, no errors of clients. */
    static ServerLog open(Path folder) throws IOException {
        Files.createDirectories(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path file = folder.resolve("postgres.log");
        if (Files.exists(file) && Files.size(file) > ROTATE_AT) {
            Files.move(file, folder.resolve("postgres.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.newByteChannel(
                        file,
                        Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
                .close();
        return new ServerLog(file);
    }

    Path file() {
        return file;
    }

    /** The present end, to read from later. */
    long mark() throws IOException {
        return Files.size(file);
    }

    /** The last lines that were written after {@code mark}. */
    List<String> linesSince(long mark, int most) throws IOException {
        try (var reader = new RandomAccessFile(file.toFile(), "r")) {
            long from = Math.max(mark, reader.length() - READ_MOST);
            byte[] bytes = new byte[(int) Math.max(0, reader.length() - from)];
            reader.seek(from);
            reader.readFully(bytes);
            List<String> lines = new String(bytes, StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .toList();
            return lines.subList(Math.max(0, lines.size() - most), lines.size());
        }
    }
}
