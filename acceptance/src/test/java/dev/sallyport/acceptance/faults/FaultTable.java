package dev.sallyport.acceptance.faults;

import dev.sallyport.image.verify.Finding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** The suite's table: what was made, what was named, and how soon. */
final class FaultTable {
    private final List<Long> signToVerdict = new ArrayList<>();

    synchronized List<String> head() {
        return List.of(line("fault", "expected cause", "named cause", "offline", "after s", "sign s"));
    }

    synchronized String row(FaultCase fault, List<Finding> findings, Ended ended) {
        OptionalLong sign = ended.signToVerdictMs(fault.sign());
        sign.ifPresent(signToVerdict::add);
        String offline = fault.offline().isEmpty()
                ? "no"
                : findings.stream()
                                .anyMatch(
                                        found -> found.code() == fault.offline().get())
                        ? "yes"
                        : "MISSED";
        String named = ended.cause().isEmpty() ? "none: " + ended.status() : ended.cause();
        return line(
                fault.name(),
                fault.cause().name(),
                (named.equals(fault.cause().name()) ? "" : "! ") + named,
                offline,
                seconds(ended.afterMs()),
                sign.isPresent() ? seconds(sign.getAsLong()) : "-");
    }

    /** The median of the time from the first visible sign to the name, over all faults that were played. */
    synchronized List<String> summary() {
        if (signToVerdict.isEmpty()) {
            return List.of();
        }
        long[] sorted =
                signToVerdict.stream().mapToLong(Long::longValue).sorted().toArray();
        return List.of(String.format(
                Locale.ROOT,
                "  From the first sign to the verdict: median %s s, longest %s s, over %d faults.",
                seconds(sorted[sorted.length / 2]),
                seconds(Arrays.stream(sorted).max().getAsLong()),
                sorted.length));
    }

    private static String line(Object... columns) {
        return String.format(Locale.ROOT, "  %-52s %-24s %-24s %-8s %9s %9s", columns);
    }

    private static String seconds(long millis) {
        return String.format(Locale.ROOT, "%.2f", millis / 1000.0);
    }
}
