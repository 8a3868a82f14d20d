package dev.sallyport.image;

import dev.sallyport.image.journal.BuildJournal;
import dev.sallyport.image.journal.Undo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Undoes what is left of builds whose process is dead. */
final class DeadBuilds {
    private final Path builds;
    private final Path npmCache;
    private final StoreFiles files;
    private final StoreLocks locks;
    private final Undo undo;

    /**
     * @param builds where the journals are
     * @param npmCache npm's cache, which outlives builds
     */
    DeadBuilds(Path builds, Path npmCache, StoreFiles files, StoreLocks locks, Undo undo) {
        this.builds = builds;
        this.npmCache = npmCache;
        this.files = files;
        this.locks = locks;
        this.undo = undo;
    }

    /** Returns the errors met; none when nothing is left. */
    List<String> undoAll() {
        List<String> errors = new ArrayList<>();
        List<BuildJournal> dead = List.of();
        try (var _ = locks.store()) {
            files.sweep();
            dead = BuildJournal.takeOver(builds, undo, errors);
        } catch (IOException e) {
            errors.add("looking for dead builds: " + e);
        }
        for (BuildJournal journal : dead) {
            errors.addAll(journal.undoAll());
            try {
                journal.close();
            } catch (IOException e) {
                errors.add("closing the journal " + journal.home() + ": " + e);
            }
        }
        try {
            sweepHalfFetched();
        } catch (IOException e) {
            errors.add("removing what npm had half fetched: " + e);
        }
        return List.copyOf(errors);
    }

    /** What an npm that was killed had half fetched lies in a folder that all npms share, so it goes when none can be at work. */
    private void sweepHalfFetched() throws IOException {
        Path half = npmCache.resolve("_cacache/tmp");
        if (Files.isDirectory(half) && !StoreFiles.list(half).isEmpty()) {
            var alone = locks.nobodyBuilds();
            if (alone.isPresent()) {
                try (var _ = alone.get()) {
                    Trees.delete(half);
                }
            }
        }
    }
}
