package dev.sallyport.cli;

import dev.sallyport.diagnosis.Diagnosis;
import dev.sallyport.diagnosis.Evidence;
import dev.sallyport.diagnosis.Subject;
import dev.sallyport.diagnosis.Verdict;
import dev.sallyport.machine.ConsoleLines;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./sallyport diagnose FILE}: reads a console log, of our machine or of anybody's, and says what went wrong. */
@Command(
        name = "diagnose",
        mixinStandardHelpOptions = true,
        description = "Reads a machine's console log and names what went wrong, with the lines that prove it.",
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {
            "0:nothing in the log speaks against the machine",
            "1:a cause is named",
            "70:the log could not be read"
        })
public final class DiagnoseVerb implements Verb {
    /** Far more than any console is kept of. What comes after it is not read, and that is said. */
    private static final long MOST_BYTES = 64L << 20;

    private static final int WIDTH = 100;

    @Parameters(paramLabel = "FILE", description = "the console log; '-' reads standard input")
    private String file = "";

    @Option(
            names = "--unit",
            paramLabel = "NAME",
            description = "systemd unit of the machine's agent (default: ${DEFAULT-VALUE})")
    private String unit = Subject.AGENT.unit();

    @Option(names = "--port", description = "port that it listens on (default: ${DEFAULT-VALUE})")
    private int port = Subject.AGENT.port();

    @Override
    public Integer call() throws IOException {
        try (InputStream in = file.equals("-") ? System.in : open(Path.of(file))) {
            return diagnose(in, new Subject(unit.contains(".") ? unit : unit + ".service", port), System.out);
        }
    }

    /**
     * Reads a log and prints its phases and the verdict.
     *
     * @return the exit status
     */
    static int diagnose(InputStream log, Subject subject, PrintStream out) throws IOException {
        var reader = new Reader(subject);
        var lines = new ConsoleLines(reader::line);
        byte[] buffer = new byte[64 * 1024];
        long left = MOST_BYTES;
        int read = log.read(buffer);
        while (read >= 0 && left > 0) {
            lines.accept(buffer, 0, (int) Math.min(read, left));
            left -= read;
            read = log.read(buffer);
        }
        lines.finish();
        if (reader.number == 0) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The log holds no line of text.");
        }
        reader.printPhases(out);
        if (read >= 0) {
            out.println("Only the first " + (MOST_BYTES >> 20) + " MiB of the log were read.");
        }
        return printVerdict(reader, out);
    }

    private static int printVerdict(Reader reader, PrintStream out) {
        Optional<Verdict> verdict = reader.diagnosis.verdict();
        out.println();
        if (verdict.isEmpty()) {
            out.println("Nothing in this log speaks against the machine. Its last line is:");
            out.println("  | " + reader.last);
            return 0;
        }
        Cause cause = verdict.get().cause();
        out.println("Verdict (" + verdict.get().certainty().name().toLowerCase(Locale.ROOT) + "): "
                + cause.code().sentence() + " [" + cause.code() + "]");
        if (!cause.detail().isBlank()) {
            out.println("  " + cause.detail());
        }
        cause.evidence().forEach(line -> out.println("  | " + line));
        out.println("  What to do: " + cause.code().remedy());
        return 1;
    }

    private static InputStream open(Path path) throws IOException {
        try {
            if (!Files.isRegularFile(path) && Files.exists(path)) {
                throw FailureException.of(CauseCode.BAD_REQUEST, path + " is not a file.");
            }
            return Files.newInputStream(path);
        } catch (NoSuchFileException e) {
            throw new FailureException(Cause.of(CauseCode.NOT_FOUND, "There is no file " + path + "."), e);
        }
    }

    /** Gives a log's lines to a diagnosis, at the kernel's times where they are told: a log has no other clock. */
    private static final class Reader {
        private final Diagnosis diagnosis;
        private final BootPhases phases;
        private Instant at = Instant.EPOCH;
        private String last = "";
        private long number;

        Reader(Subject subject) {
            this.diagnosis = new Diagnosis(subject);
            this.phases = new BootPhases(subject.unit());
        }

        void line(String text) {
            number++;
            last = text;
            BootPhases.seconds(text).ifPresent(seconds -> {
                Instant told = Instant.EPOCH.plusMillis(Math.round(seconds * 1000));
                if (told.isAfter(at)) {
                    at = told; // Lines of several writers are not in the order of their times; evidence is.
                }
            });
            diagnosis.add(new Evidence.Line(at, text));
            phases.add(number, text);
        }

        void printPhases(PrintStream out) {
            out.println("Phases (" + number + " lines read)");
            if (phases.found().isEmpty()) {
                out.println("  none: this does not look like the console of a Linux machine that booted");
            }
            for (BootPhases.Beginning phase : phases.found()) {
                String time = phase.seconds().isPresent()
                        ? String.format(Locale.ROOT, "%8.2f s", phase.seconds().getAsDouble())
                        : "         -";
                out.println(String.format(
                        Locale.ROOT,
                        "  %-11s %s  line %-6d %s",
                        phase.phase().title(),
                        time,
                        phase.number(),
                        phase.line().length() > WIDTH ? phase.line().substring(0, WIDTH) + "…" : phase.line()));
            }
        }
    }
}
