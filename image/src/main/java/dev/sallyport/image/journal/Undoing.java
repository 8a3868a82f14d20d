package dev.sallyport.image.journal;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Undoes folders and processes; what becomes of keys is the store's affair. */
public final class Undoing implements Undo {
    private static final Duration AT_MOST = Duration.ofSeconds(20);
    private static final String OUTSIDE = "/tmp/sallyport-build-";

    private final KeyUndo keys;

    /** Removes a key of the store when the file that it stands for never came. */
    @FunctionalInterface
    public interface KeyUndo {
        /** @param name the key's file name */
        void undo(String name) throws IOException;
    }

    public Undoing(KeyUndo keys) {
        this.keys = keys;
    }

    /** Where a build has its folder when that cannot be the journal's own: everybody may enter it. */
    public static Path outside(Path home) {
        return Path.of(OUTSIDE + home.getFileName());
    }

    @Override
    public List<String> undo(Path home, Thing thing) {
        try {
            switch (thing.kind()) {
                case PROCESS -> {
                    return MarkedProcesses.end(thing.name(), AT_MOST);
                }
                case FOLDER -> Folders.remove(checked(home, thing));
                case KEY -> keys.undo(thing.name());
            }
            return List.of();
        } catch (IOException e) {
            return List.of("the " + thing + " (" + thing.name() + ") cannot be removed: " + e);
        }
    }

    /** Whatever a journal says: what is neither in its own folder nor has the one name outside is not ours. */
    private static Path checked(Path home, Thing thing) throws IOException {
        Path folder = home.resolve(thing.name()).normalize();
        boolean inside = folder.startsWith(home) && !folder.equals(home);
        if (!inside && !folder.equals(outside(home))) {
            throw new IOException("it is not a build's folder");
        }
        return folder;
    }
}
