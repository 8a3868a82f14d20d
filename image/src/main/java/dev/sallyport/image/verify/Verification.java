package dev.sallyport.image.verify;

import java.time.Duration;
import java.util.List;

/**
 * The report of a verification.
 *
 * @param findings errors first
 * @param proven what was proven, a clause each
 * @param took how long
 */
public record Verification(List<Finding> findings, List<String> proven, Duration took) {
    public Verification {
        findings = Findings.sorted(findings);
        proven = List.copyOf(proven);
    }

    /** True when there is no error. */
    public boolean sound() {
        return findings.stream().noneMatch(Finding::isError);
    }

    /** How many errors. */
    public long errors() {
        return findings.stream().filter(Finding::isError).count();
    }

    /** How many warnings. */
    public long warnings() {
        return findings.size() - errors();
    }
}
