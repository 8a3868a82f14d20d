package dev.sallyport.bench.sessions;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The levels of a run as a table: a row for each figure, a column for each level. */
final class SessionsTable {
    private SessionsTable() {}

    /** One figure at all levels. */
    private record Row(String name, List<String> values) {}

    /** As plain text with aligned columns. */
    static String text(List<Level> levels, Level none) {
        var text = new StringBuilder();
        for (Row row : rows(levels, none)) {
            text.append(String.format(Locale.ROOT, "  %-46s", row.name()));
            row.values().forEach(value -> text.append(String.format(Locale.ROOT, "%12s", value)));
            text.append('\n');
        }
        return text.toString();
    }

    /** As Markdown. */
    static String markdown(List<Level> levels, Level none) {
        List<Row> rows = rows(levels, none);
        var text = new StringBuilder();
        markdown(text, rows.getFirst());
        text.append("|---|").append("--:|".repeat(levels.size())).append('\n');
        rows.stream().skip(1).forEach(row -> markdown(text, row));
        return text.toString();
    }

    private static void markdown(StringBuilder text, Row row) {
        text.append("| ")
                .append(row.name())
                .append(" | ")
                .append(String.join(" | ", row.values()))
                .append(" |\n");
    }

    private static List<Row> rows(List<Level> levels, Level none) {
        List<Row> rows = new ArrayList<>();
        row(rows, "live sessions", levels, Level::sessions, 0);
        row(rows, "start, p50, ms", levels, level -> level.up().answers().millisAt(50), 1);
        row(rows, "start, p99, ms", levels, level -> level.up().answers().millisAt(99), 1);
        row(rows, "start, longest, ms", levels, level -> level.up().answers().millisAt(100), 1);
        row(rows, "starts refused", levels, level -> level.up().answers().failed(), 0);
        row(
                rows,
                "sessions that failed and were made up for",
                levels,
                level -> level.up().again(),
                0);
        row(rows, "until all await their users, s", levels, level -> level.up().settledSeconds(), 1);
        row(rows, "database transactions a start", levels, level -> level.up().transactions(), 1);
        row(
                rows,
                "starting: controller, % of a core",
                levels,
                level -> level.up().spent().controller() * 100,
                1);
        row(
                rows,
                "starting: database, % of a core",
                levels,
                level -> level.up().spent().database() * 100,
                1);
        row(
                rows,
                "starting: database transactions a second",
                levels,
                level -> level.up().spent().transactions(),
                0);
        row(rows, "read, p50, ms", levels, level -> level.reads().millisAt(50), 1);
        row(rows, "read, p99, ms", levels, level -> level.reads().millisAt(99), 1);
        row(rows, "read, longest, ms", levels, level -> level.reads().millisAt(100), 1);
        row(rows, "reads that failed", levels, level -> level.reads().failed(), 0);
        row(rows, "idle: controller, % of a core", levels, level -> level.idle().controller() * 100, 1);
        row(rows, "idle: database, % of a core", levels, level -> level.idle().database() * 100, 1);
        row(
                rows,
                "idle: simulated agents, % of a core",
                levels,
                level -> level.idle().agents() * 100,
                1);
        row(
                rows,
                "idle: questions to agents a second",
                levels,
                level -> level.idle().agentRequests(),
                0);
        row(
                rows,
                "idle: database transactions a second",
                levels,
                level -> level.idle().transactions(),
                0);
        row(rows, "read: controller, % of a core", levels, level -> level.busy().controller() * 100, 1);
        row(rows, "read: database, % of a core", levels, level -> level.busy().database() * 100, 1);
        row(
                rows,
                "read: database transactions a second",
                levels,
                level -> level.busy().transactions(),
                0);
        row(rows, "heap after a collection, MB", levels, level -> level.memory().heap() / 1e6, 1);
        row(
                rows,
                "controller resident (PSS), MB",
                levels,
                level -> level.memory().controller() / 1e6,
                0);
        row(rows, "database resident (PSS), MB", levels, level -> level.memory().database() / 1e6, 0);
        row(rows, "controller's threads", levels, level -> level.memory().threads(), 0);
        row(rows, "controller's open files", levels, level -> level.memory().files(), 0);
        row(rows, "database connections", levels, level -> level.memory().connections(), 0);
        row(rows, "a session: processor time, µs a second", levels, level -> level.cpuMicros(none), 0);
        row(rows, "a session: heap, KB", levels, level -> level.heapBytes(none) / 1000, 1);
        row(rows, "a session: open files", levels, level -> level.files(none), 1);
        return rows;
    }

    private static void row(
            List<Row> rows,
            String name,
            List<Level> levels,
            java.util.function.ToDoubleFunction<Level> figure,
            int digits) {
        rows.add(new Row(
                name,
                levels.stream()
                        .map(level -> String.format(Locale.ROOT, "%,." + digits + "f", figure.applyAsDouble(level)))
                        .collect(Collectors.toList())));
    }

    /** A figure with no more digits than it needs. */
    static String number(double value) {
        return value == Math.rint(value)
                ? String.format(Locale.ROOT, "%,d", (long) value)
                : String.format(Locale.ROOT, "%,.2f", value);
    }
}
