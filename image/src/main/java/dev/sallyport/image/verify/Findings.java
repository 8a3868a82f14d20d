package dev.sallyport.image.verify;

import dev.sallyport.image.verify.Finding.Severity;
import dev.sallyport.model.CauseCode;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Collects what is found, each once, and no more than anybody reads. */
final class Findings {
    private static final int MOST = 500;

    private final Set<Finding> found = new LinkedHashSet<>();

    void error(CauseCode code, String path, int line, String text, String remedy) {
        add(new Finding(Severity.ERROR, code, path, line, text, remedy));
    }

    void warning(CauseCode code, String path, int line, String text, String remedy) {
        add(new Finding(Severity.WARNING, code, path, line, text, remedy));
    }

    void add(boolean error, CauseCode code, String path, int line, String text, String remedy) {
        add(new Finding(error ? Severity.ERROR : Severity.WARNING, code, path, line, text, remedy));
    }

    void add(Finding finding) {
        if (found.size() < MOST) {
            found.add(finding);
        }
    }

    int count() {
        return found.size();
    }

    int errors() {
        return (int) found.stream().filter(Finding::isError).count();
    }

    List<Finding> sorted() {
        return sorted(found);
    }

    /** Errors first, then as the cause catalogue and paths order them. */
    static List<Finding> sorted(Collection<Finding> findings) {
        return findings.stream()
                .sorted(Comparator.comparing(Finding::severity)
                        .thenComparing(Finding::code)
                        .thenComparing(Finding::path)
                        .thenComparingInt(Finding::line))
                .toList();
    }
}
