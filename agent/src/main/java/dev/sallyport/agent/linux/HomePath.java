package dev.sallyport.agent.linux;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.util.List;

/**
 * The path of a file below a home, taken apart: never empty, never absolute, never upwards.
 *
 * @param text as given
 * @param folders the folders' names, from the home downwards
 * @param name the file's name
 */
public record HomePath(String text, List<String> folders, String name) {
    /** NAME_MAX of every file system used here. */
    private static final int MAX_NAME = 255;

    private static final int MAX_DEPTH = 16;

    /**
     * Reads it.
     *
     * @throws FailureException BAD_REQUEST when it may not be used
     */
    public static HomePath of(String text) {
        String[] names = text.split("/", -1);
        if (names.length > MAX_DEPTH) {
            throw refused("it is too deep");
        }
        for (String name : names) {
            if (name.isEmpty() || name.equals(".") || name.equals("..")) {
                throw refused("it must be relative, without empty parts, '.' and '..'");
            }
            if (name.length() > MAX_NAME || name.chars().anyMatch(Character::isISOControl)) {
                throw refused("a name in it is too long or holds control characters");
            }
        }
        List<String> all = List.of(names);
        return new HomePath(text, all.subList(0, all.size() - 1), all.getLast());
    }

    private static FailureException refused(String why) {
        return FailureException.of(CauseCode.BAD_REQUEST, "A file's path cannot be used: " + why + ".");
    }
}
