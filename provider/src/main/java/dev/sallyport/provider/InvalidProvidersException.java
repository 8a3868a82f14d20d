package dev.sallyport.provider;

import java.util.List;
import java.util.stream.Collectors;

/** Provider files that cannot be used. Holds every problem that was found, not the first alone. */
public final class InvalidProvidersException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * One thing that is wrong.
     *
     * @param file the file's name, as given or as the resource's path
     * @param line from 1; 0 when it is about the file as a whole
     * @param text what is wrong, in a few words
     */
    public record Problem(String file, int line, String text) {
        @Override
        public String toString() {
            return line == 0 ? file + ": " + text : file + ":" + line + ": " + text;
        }
    }

    private final transient List<Problem> problems;

    InvalidProvidersException(List<Problem> problems) {
        super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /** Everything that is wrong, in the order of files and lines. */
    public List<Problem> problems() {
        return problems;
    }
}
