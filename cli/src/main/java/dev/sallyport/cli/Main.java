package dev.sallyport.cli;

import dev.sallyport.model.FailureException;
import java.util.ServiceLoader;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Runs a verb. Exit statuses follow sysexits(3): 0 done, 1 the verb's own no, 64 wrong usage, 70 a failure with a cause. */
public final class Main {
    /** A failure with a cause, or a defect. */
    static final int FAILED = 70;

    private static final int USAGE = 64;

    @Command(
            name = "sallyport",
            mixinStandardHelpOptions = true,
            version = "sallyport 0.1.0",
            description = "Signs people in to command-line tools on machines that aren't theirs.")
    private static final class Root {}

    private Main() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    static int run(String... arguments) {
        var commands = new CommandLine(new Root());
        commands.setCommandName("./sallyport");
        for (Verb verb : ServiceLoader.load(Verb.class)) {
            commands.addSubcommand(verb);
        }
        commands.setCaseInsensitiveEnumValuesAllowed(true);
        commands.setExecutionExceptionHandler((thrown, command, parsed) -> {
            Failures.print(thrown, System.err);
            return thrown instanceof FailureException ? FAILED : FAILED + 1;
        });
        commands.setParameterExceptionHandler((thrown, given) -> {
            System.err.println("sallyport: " + thrown.getMessage());
            thrown.getCommandLine().usage(System.err);
            return USAGE;
        });
        return commands.execute(arguments);
    }
}
