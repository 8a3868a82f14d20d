package dev.sallyport.bench.sessions;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What a session costs, drawn against how many there are: each cost as a multiple of what it is at the first level, so that
 * costs of different units share an axis and flat is a level line. Readable on light and dark pages.
 */
final class SessionsPlot {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 380;
    private static final int LEFT = 60;
    private static final int RIGHT = 560;
    private static final int TOP = 60;
    private static final int BOTTOM = 320;
    /** Distance that keeps two labels apart. */
    private static final int LABEL = 34;

    /** One cost. */
    private record Line(String style, String name, String unit, ToDoubleFunction<Level> cost) {}

    private SessionsPlot() {}

    static String of(List<Level> levels, Level none) {
        List<Line> lines = List.of(
                new Line("a", "processor time", "µs/s", level -> level.cpuMicros(none)),
                new Line("b", "heap", "KB", level -> level.heapBytes(none) / 1000),
                new Line("c", "open files", "", level -> level.files(none)));
        double most = 1.5;
        for (Line line : lines) {
            for (Level level : levels) {
                most = Math.max(most, relative(line, level, levels.getFirst()));
            }
        }
        double top = Math.ceil(most * 2) / 2;
        var svg = new StringBuilder(head());
        grid(svg, levels, top);
        int labelY = Integer.MIN_VALUE;
        List<Line> byEnd = lines.stream()
                .sorted((one, other) -> Double.compare(
                        relative(other, levels.getLast(), levels.getFirst()),
                        relative(one, levels.getLast(), levels.getFirst())))
                .toList();
        for (Line line : byEnd) {
            line(svg, line, levels, top);
            int wanted = y(relative(line, levels.getLast(), levels.getFirst()), top);
            labelY = Math.max(wanted, labelY + LABEL);
            label(svg, line, levels, labelY);
        }
        return svg.append("</svg>\n").toString();
    }

    private static String head() {
        return """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">
                  <title>What a live session costs one controller</title>
                  <style>
                    .t { fill: #1f2328; font-size: 16px; font-weight: 600 } .s { fill: #57606a } .g { stroke: #d0d7de } .bg { fill: #ffffff }
                    .a { stroke: #0b6e4f } .b { stroke: #9a3b8f } .c { stroke: #b35900 } path { fill: none; stroke-width: 2.5 }
                    text.a { fill: #0b6e4f; stroke: none } text.b { fill: #9a3b8f; stroke: none } text.c { fill: #b35900; stroke: none }
                    circle { fill: currentColor; stroke-width: 0 } circle.a { fill: #0b6e4f } circle.b { fill: #9a3b8f } circle.c { fill: #b35900 }
                    @media (prefers-color-scheme: dark) {
                      .t { fill: #e6edf3 } .s { fill: #9198a1 } .g { stroke: #3d444d } .bg { fill: #0d1117 }
                      .a { stroke: #4ac99b } .b { stroke: #e08bd6 } .c { stroke: #f0a35e }
                      text.a, circle.a { fill: #4ac99b } text.b, circle.b { fill: #e08bd6 } text.c, circle.c { fill: #f0a35e }
                    }
                  </style>
                  <rect class="bg" width="%d" height="%d"/>
                  <text class="t" x="%d" y="26">What a live session costs one controller</text>
                  <text class="s" x="%d" y="45">as a multiple of what it costs at the first level</text>
                """.formatted(WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, LEFT);
    }

    private static void grid(StringBuilder svg, List<Level> levels, double top) {
        for (double at = 0; at <= top + 0.01; at += top > 4 ? Math.ceil(top / 4) : 0.5) {
            int y = y(at, top);
            svg.append(String.format(
                    Locale.ROOT, "  <path class=\"g\" d=\"M%d %d H%d\" style=\"stroke-width:1\"/>\n", LEFT, y, RIGHT));
            svg.append(String.format(
                    Locale.ROOT,
                    "  <text class=\"s\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s×</text>\n",
                    LEFT - 8,
                    y + 4,
                    SessionsTable.number(at)));
        }
        for (Level level : levels) {
            int x = x(level, levels);
            svg.append(String.format(
                    Locale.ROOT,
                    "  <path class=\"g\" d=\"M%d %d V%d\" style=\"stroke-width:1\"/>\n",
                    x,
                    BOTTOM,
                    BOTTOM + 5));
            svg.append(String.format(
                    Locale.ROOT,
                    "  <text class=\"s\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%,d</text>\n",
                    x,
                    BOTTOM + 22,
                    level.sessions()));
        }
        svg.append(String.format(
                Locale.ROOT,
                "  <text class=\"s\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">live sessions (logarithmic)</text>\n",
                (LEFT + RIGHT) / 2,
                BOTTOM + 44));
    }

    private static void line(StringBuilder svg, Line line, List<Level> levels, double top) {
        var path = new StringBuilder();
        for (Level level : levels) {
            int x = x(level, levels);
            int y = y(relative(line, level, levels.getFirst()), top);
            path.append(path.isEmpty() ? "M" : " L").append(x).append(' ').append(y);
            svg.append(String.format(
                    Locale.ROOT, "  <circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"4\"/>\n", line.style(), x, y));
        }
        svg.append(String.format(Locale.ROOT, "  <path class=\"%s\" d=\"%s\"/>\n", line.style(), path));
    }

    private static void label(StringBuilder svg, Line line, List<Level> levels, int y) {
        svg.append(String.format(
                Locale.ROOT,
                "  <text class=\"%s\" x=\"%d\" y=\"%d\" font-weight=\"600\">%s</text>\n",
                line.style(),
                RIGHT + 14,
                y,
                line.name()));
        svg.append(String.format(
                Locale.ROOT,
                "  <text class=\"s\" x=\"%d\" y=\"%d\">%,.1f → %,.1f %s</text>\n",
                RIGHT + 14,
                y + 15,
                line.cost().applyAsDouble(levels.getFirst()),
                line.cost().applyAsDouble(levels.getLast()),
                line.unit()));
    }

    private static double relative(Line line, Level level, Level first) {
        double base = line.cost().applyAsDouble(first);
        return base <= 0 ? 0 : Math.max(0, line.cost().applyAsDouble(level) / base);
    }

    private static int x(Level level, List<Level> levels) {
        double low = Math.log10(levels.getFirst().sessions());
        double high = Math.log10(levels.getLast().sessions());
        double share = high > low ? (Math.log10(level.sessions()) - low) / (high - low) : 0.5;
        return (int) Math.round(LEFT + 20 + share * (RIGHT - LEFT - 40));
    }

    private static int y(double value, double top) {
        return (int) Math.round(BOTTOM - value / top * (BOTTOM - TOP));
    }
}
