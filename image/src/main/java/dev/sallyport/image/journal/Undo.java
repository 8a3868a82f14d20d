package dev.sallyport.image.journal;

import java.nio.file.Path;
import java.util.List;

/** Removes what a journal names. */
@FunctionalInterface
public interface Undo {
    /**
     * Removes a thing, if it is there; doing so twice is harmless.
     *
     * @param home the journal's own folder
     * @return the errors met; none when the thing is not there any more
     */
    List<String> undo(Path home, Thing thing);
}
