package dev.sallyport.image.build;

import dev.sallyport.image.Failures;
import dev.sallyport.image.Trees;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.stream.Stream;

/** The logs of one build: a folder below {@code logs/builds} of the cache, with a file for each part that was made. */
final class BuildLogs {
    /** Builds whose logs are kept. */
    private static final int KEPT = 30;

    private static final DateTimeFormatter NAME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final Path folder;

    private BuildLogs(Path folder) {
        this.folder = folder;
    }

    /** Begins a folder, and removes those of long ago. */
    static BuildLogs begin(Path cache, String what) {
        Path all = cache.resolve("logs").resolve("builds");
        try {
            Files.createDirectories(all);
            List<Path> old;
            try (Stream<Path> list = Files.list(all)) {
                old = list.sorted().toList();
            }
            for (Path log : old.subList(0, Math.max(0, old.size() - KEPT + 1))) {
                Trees.delete(log);
            }
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the folder of logs could not be made", e);
        }
        return new BuildLogs(all.resolve(NAME.format(Instant.now()) + "-" + what));
    }

    /** The log of a part. A build that makes nothing leaves no logs. */
    Path of(String part) throws IOException {
        Files.createDirectories(folder);
        return folder.resolve(part + ".log");
    }
}
