package dev.sallyport.bench.compare;

import java.util.List;

/** All samples of a comparison as points, with their medians and quartiles. Readable on light and dark pages. */
final class SpreadPlot {
    private static final int WIDTH = 760;
    private static final int LEFT = 110;
    private static final int RIGHT = 730;
    private static final int FIRST = 78;
    private static final int ROW = 46;
    private static final int HEIGHT = FIRST + 2 * ROW + 24;
    private static final int BOTTOM = FIRST + 2 * ROW - 4;
    private static final int STEPS = 5;

    private SpreadPlot() {}

    static String of(Comparison comparison) {
        Pairs pairs = comparison.pairs();
        double most = Math.max(pairs.ours().percentile(100), pairs.reference().percentile(100));
        double step = step(Math.max(most, 1e-9) / STEPS);
        double top = Math.ceil(most / step) * step;
        var svg = new StringBuilder(head(comparison));
        for (double at = 0; at <= top + step / 2; at += step) {
            int x = x(at, top);
            add(svg, "<path class=\"g\" d=\"M%d %d V%d\"/>".formatted(x, FIRST - 22, BOTTOM - 20));
            add(
                    svg,
                    "<text class=\"s\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
                            .formatted(x, BOTTOM, Comparison.number(at)));
        }
        row(svg, "a", "ours", pairs.ours(), FIRST, top);
        row(svg, "b", comparison.against(), pairs.reference(), FIRST + ROW, top);
        return svg.append("</svg>\n").toString();
    }

    private static String head(Comparison comparison) {
        return """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">
                  <title>%s</title>
                  <style>
                    .t { fill: #1f2328; font-size: 16px; font-weight: 600 } .s { fill: #57606a } .g { stroke: #d0d7de } .bg { fill: #ffffff }
                    .a { fill: #0b6e4f } .b { fill: #9a3b8f } rect.a, rect.b { fill-opacity: .2 } circle { fill-opacity: .7 }
                    @media (prefers-color-scheme: dark) {
                      .t { fill: #e6edf3 } .s { fill: #9198a1 } .g { stroke: #3d444d } .bg { fill: #0d1117 }
                      .a { fill: #4ac99b } .b { fill: #e08bd6 }
                    }
                  </style>
                  <rect class="bg" width="%d" height="%d"/>
                  <text class="t" x="16" y="26">%s, %s</text>
                """.formatted(
                        WIDTH,
                        HEIGHT,
                        escaped(comparison.measure()),
                        WIDTH,
                        HEIGHT,
                        escaped(comparison.measure()),
                        escaped(comparison.unit()));
    }

    private static void row(StringBuilder svg, String style, String name, Samples samples, int y, double top) {
        int low = x(samples.lowerQuartile(), top);
        int width = Math.max(2, x(samples.upperQuartile(), top) - low);
        add(
                svg,
                "<text class=\"%s\" x=\"16\" y=\"%d\" font-weight=\"600\">%s</text>"
                        .formatted(style, y + 4, escaped(name)));
        add(
                svg,
                "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"24\"/>"
                        .formatted(style, low, y - 12, width));
        dot(svg, style, samples.median(), y, top, 7);
        samples.values().forEach(value -> dot(svg, style, value, y, top, 3));
    }

    private static void dot(StringBuilder svg, String style, double value, int y, double top, int radius) {
        add(svg, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"%d\"/>".formatted(style, x(value, top), y, radius));
    }

    private static void add(StringBuilder svg, String element) {
        svg.append("  ").append(element).append('\n');
    }

    /** The next of 1, 2, 5, 10, 20, … */
    private static double step(double least) {
        double ten = Math.pow(10, Math.floor(Math.log10(least)));
        for (int times : List.of(1, 2, 5)) {
            if (times * ten >= least) {
                return times * ten;
            }
        }
        return 10 * ten;
    }

    private static int x(double value, double top) {
        return (int) Math.round(LEFT + Math.max(0, value) / top * (RIGHT - LEFT));
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
