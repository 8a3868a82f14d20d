package dev.sallyport.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The named reason of a failure: an entry of the catalogue and the very lines that prove it.
 *
 * @param code the entry
 * @param detail one sentence about this very case
 * @param evidence at most {@value #MAX_EVIDENCE} lines of at most {@value #MAX_LINE} characters, control characters removed
 */
public record Cause(CauseCode code, String detail, List<String> evidence) {
    /** Most lines of evidence kept. */
    public static final int MAX_EVIDENCE = 20;
    /** Longest line of evidence kept, in characters. */
    public static final int MAX_LINE = 400;

    public Cause {
        detail = clean(detail);
        evidence = evidence.stream()
                .filter(line -> !line.isBlank())
                .limit(MAX_EVIDENCE)
                .map(Cause::clean)
                .toList();
    }

    /** A cause with its evidence lines. */
    public static Cause of(CauseCode code, String detail, String... evidence) {
        return new Cause(code, detail, List.of(evidence));
    }

    /** What happened, about this very case, and what to do: the text of a message that has no other room for a cause. */
    public String message() {
        return code.sentence() + (detail.isBlank() ? "" : " " + detail) + " What to do: " + code.remedy();
    }

    /**
     * The cause as details of a timeline's event: {@code cause} (the code), {@code detail}, and {@code evidence_01},
     * {@code evidence_02}, … in their order.
     */
    public Map<String, String> details() {
        Map<String, String> details = new LinkedHashMap<>();
        details.put("cause", code.name());
        if (!detail.isBlank()) {
            details.put("detail", detail);
        }
        for (int i = 0; i < evidence.size(); i++) {
            details.put(String.format(Locale.ROOT, "evidence_%02d", i + 1), evidence.get(i));
        }
        return details;
    }

    /** Evidence comes out of machines and is hostile: escape sequences and control characters go, and length is bounded. */
    private static String clean(String line) {
        String printable = line.replaceAll("\u001b\\[[0-?]*[ -/]*[@-~]", "").replaceAll("\\p{Cntrl}", " ");
        return printable.length() <= MAX_LINE ? printable : printable.substring(0, MAX_LINE - 1) + "…";
    }
}
