package dev.sallyport.diagnosis;

import java.time.Instant;
import java.util.Optional;

/** Collects evidence of one machine's start and judges it. Not safe for several threads. */
public final class Diagnosis {
    private final Subject subject;

    /** A diagnosis of {@code subject} without evidence yet. */
    public Diagnosis(Subject subject) {
        this.subject = subject;
    }

    /** Takes what was seen; in the order in which it was. */
    public void add(Evidence evidence) {}

    /** The most specific verdict of what was seen; empty while nothing speaks against the machine. */
    public Optional<Verdict> verdict() {
        return Optional.empty();
    }

    /** A verdict in any case, for a wait that has ended: where no rule says anything, what was seen last. */
    public Verdict last() {
        return verdict()
                .orElseGet(() -> new Verdict(
                        dev.sallyport.model.Cause.of(dev.sallyport.model.CauseCode.AGENT_SILENT, subject.unit()),
                        Certainty.POSSIBLE,
                        Instant.EPOCH));
    }
}
