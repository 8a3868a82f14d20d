package dev.sallyport.image.journal;

import java.util.Locale;

/**
 * An outside thing that a build makes.
 *
 * @param kind what it is, and so how it is undone
 * @param name by which it is found again; no blanks
 * @param about for people, the same in each build: the part that it is made for, and what for
 */
public record Thing(Kind kind, String name, String about) {
    /** Kinds of things. */
    public enum Kind {
        /** A folder for things in the making; its name is its path, seen from the journal's own folder. */
        FOLDER,
        /** A process with all that it starts; its name is the marker in their environment. */
        PROCESS,
        /** A key of the store, whose file may never have come; its name is the key's file name. */
        KEY;

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Thing {
        if (name.isEmpty() || !name.equals(name.replaceAll("\\s", ""))) {
            throw new IllegalArgumentException("'" + name + "' cannot be the name of a thing");
        }
        about = about.replaceAll("\\p{Cntrl}", " ");
    }

    /** Such as {@code folder of agent}. */
    @Override
    public String toString() {
        return kind.word() + " of " + about;
    }
}
