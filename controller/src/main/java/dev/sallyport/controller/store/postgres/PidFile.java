package dev.sallyport.controller.store.postgres;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A server's {@code postmaster.pid}.
 *
 * <p>Source: PostgreSQL's {@code src/include/utils/pidfile.h}: line 1 is the process id, line 8 the status.
 *
 * @param pid the server's process id
 * @param ready true when it takes connections
 */
record PidFile(long pid, boolean ready) {
    private static final int STATUS_LINE = 8;

    static Path in(Path folder) {
        return folder.resolve("postmaster.pid");
    }

    /** What the file says; empty when it is not there or its first line is not written yet. */
    static Optional<PidFile> read(Path folder) throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(in(folder));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        if (lines.isEmpty() || !lines.getFirst().strip().matches("[0-9]{1,10}")) {
            return Optional.empty();
        }
        boolean ready = lines.size() >= STATUS_LINE
                && lines.get(STATUS_LINE - 1).strip().equals("ready");
        return Optional.of(new PidFile(Long.parseLong(lines.getFirst().strip()), ready));
    }
}
