package dev.sallyport.agent.linux;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What to run and how.
 *
 * @param command the program and its arguments; a program without a slash is looked for along the environment's {@code PATH}
 * @param environment all of it
 * @param directory where it runs
 * @param streams what its standard streams are connected to
 */
public record Launch(List<String> command, Map<String, String> environment, Path directory, Streams streams) {
    /** What standard streams are connected to. */
    public sealed interface Streams {
        /** One pipe to standard input, one from standard output and standard error together. */
        record Pipes() implements Streams {}

        /**
         * A pseudo-terminal, which is also the process's controlling one.
         *
         * @param rows lines
         * @param columns characters a line
         */
        record Terminal(int rows, int columns) implements Streams {}

        /**
         * Standard input is empty; the pipes are descriptors 3 (to the process) and 4 (from it), and what the process
         * says on standard output and standard error is kept as for {@link Pipes}.
         */
        record Control() implements Streams {}
    }

    public Launch {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
    }

    List<String> environmentLines() {
        return new TreeMap<>(environment)
                .entrySet().stream()
                        .map(entry -> entry.getKey() + "=" + entry.getValue())
                        .toList();
    }
}
