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
 * @param niceness how it gives way to others (sched(7)); the agent's own is {@value #AGENT}, and is not handed on
 */
public record Launch(
        List<String> command, Map<String, String> environment, Path directory, Streams streams, int niceness) {
    /** The agent's own, by its unit: whoever waits for the machine is answered before its programs go on. */
    public static final int AGENT = -10;

    /** What shows a user the machine goes before the agent: it has little to do, and what it tells goes on in larger pieces then. */
    public static final int SHOWN = AGENT - 1;

    /** As programs usually are. */
    public static final int USUAL = 0;

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

    /** A usual program. */
    public Launch(List<String> command, Map<String, String> environment, Path directory, Streams streams) {
        this(command, environment, directory, streams, USUAL);
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
