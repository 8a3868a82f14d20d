package dev.sallyport.model;

import java.util.Arrays;
import java.util.List;

/** The catalogue of causes as a document: a chapter for each family, an entry for each code. */
public final class CauseCatalogue {
    private CauseCatalogue() {}

    /** Prints the document: {@code java model/src/main/java/dev/sallyport/model/CauseCatalogue.java >docs/CAUSES.md}. */
    static void main() {
        System.out.print(toMarkdown());
    }

    /** All of {@code docs/CAUSES.md}, in Markdown. */
    public static String toMarkdown() {
        var text = new StringBuilder("""
                # The causes

                Every failure names one of these. Where it is told (the page, the terminal, `cause` of a session or machine, a problem document),
                it comes with a sentence about the case and the very lines that prove it. Of a failed start, `./sallyport diagnose FILE` finds the
                cause in a console log. `GET /api/causes` tells the same as this page, which is made from `CauseCode`.
                """);
        for (CauseCode.Family family : CauseCode.Family.values()) {
            List<CauseCode> codes = Arrays.stream(CauseCode.values())
                    .filter(code -> code.family() == family)
                    .toList();
            if (!codes.isEmpty()) {
                text.append("\n## ").append(family.title()).append('\n');
                codes.forEach(code -> append(text, code));
            }
        }
        return text.toString();
    }

    private static void append(StringBuilder text, CauseCode code) {
        text.append("\n### ")
                .append(code)
                .append("\n")
                .append(code.sentence())
                .append(" HTTP status ")
                .append(code.httpStatus())
                .append(".\n\n*What to do:* ")
                .append(code.remedy())
                .append('\n');
    }
}
