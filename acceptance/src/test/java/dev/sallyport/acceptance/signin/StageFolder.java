package dev.sallyport.acceptance.signin;

import dev.sallyport.model.Folders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a test's stage keeps its data: beside the caches, since the system user of machines must reach it. */
public final class StageFolder {
    private final Path place;

    /** @param name tells suites apart that may run at once */
    public StageFolder(String name) {
        try {
            place = Files.createDirectories(
                    Folders.ofThisProcess().cache().resolve("test").resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException("no folder for the test's stage", e);
        }
    }

    /** The data folder; a stage removes it when it closes. */
    public Path data() {
        return place.resolve("data");
    }

    /** Where a picture of a page is written. */
    public Path picture(String name) {
        return place.resolve(name + ".png");
    }
}
