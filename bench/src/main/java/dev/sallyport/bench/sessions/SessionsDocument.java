package dev.sallyport.bench.sessions;

import dev.sallyport.bench.BenchOptions;
import dev.sallyport.bench.Measure;
import dev.sallyport.model.FailureException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The run as a document. */
final class SessionsDocument {
    private SessionsDocument() {}

    static String of(
            List<Level> levels,
            Level none,
            List<Measure> measures,
            List<String> host,
            BenchOptions options,
            @Nullable FailureException failure) {
        var text = new StringBuilder();
        text.append("""
                # Live sessions on one controller

                Written by `./sallyport bench sessions`, which anybody can run again. One controller with a heap of 1 GB and its embedded
                database holds more and more sessions of as many users, each with a browser machine and a CLI machine that are up and a
                sign-in that awaits its user. Machines are simulated: the controller does all that it does for real ones (ledger, timelines,
                console logs, egress doors, questions to agents), but no hypervisor runs, and one program plays all agents.
                The load, the agents, the controller and its database share the machine below.

                """);
        host.forEach(line -> text.append("- ").append(line).append('\n'));
        text.append("- ")
                .append(options.startsPerSecond())
                .append(" starts a second on the way to each level; ")
                .append(options.readsPerSecond())
                .append(
                        " reads a second while it is held: two thirds one session, a sixth the newest 50, a sixth a timeline up to the present\n")
                .append(
                        "- latencies count from the moment at which a request was due, whatever the earlier ones took\n")
                .append("- what a session costs is what it adds to an idle controller without sessions: ")
                .append(SessionsTable.number(Math.rint(none.memory().heap() / 1e6)))
                .append(" MB of heap, ")
                .append(SessionsTable.number(
                        Math.rint((none.memory().controller() + none.memory().database()) / 1e6)))
                .append(" MB resident with its database\n\n");
        if (failure != null) {
            text.append("The run was broken off: ")
                    .append(failure.reason().message())
                    .append(' ')
                    .append(String.join("; ", failure.reason().evidence()))
                    .append("\n\n");
        }
        text.append("![What a session costs](sessions.svg)\n\n")
                .append(SessionsTable.markdown(levels, none))
                .append("\n## Goals\n\n| | measure | is | compared with | ratio | goal |\n|---|---|--:|--:|--:|---|\n");
        for (Measure measure : measures) {
            text.append("| ")
                    .append(measure.met() ? "met" : "**missed**")
                    .append(" | ")
                    .append(measure.measure())
                    .append(" | ")
                    .append(SessionsTable.number(measure.ours()))
                    .append(' ')
                    .append(measure.unit())
                    .append(" | ")
                    .append(number(measure.reference()))
                    .append(" | ")
                    .append(number(measure.ratio()))
                    .append(" | ")
                    .append(measure.goal())
                    .append(" |\n");
        }
        return text.toString();
    }

    private static String number(@Nullable Double value) {
        return value == null ? "" : SessionsTable.number(value);
    }
}
