package dev.sallyport.diagnosis;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.time.Instant;
import java.util.List;

/**
 * What one rule makes of what was seen.
 *
 * @param code the cause
 * @param certainty how much the lines prove
 * @param rank how specific it is; of findings that are as certain the highest wins
 * @param detail one sentence
 * @param proofs the lines, the most telling first
 */
record Finding(CauseCode code, Certainty certainty, int rank, String detail, List<Proof> proofs) {
    /** It may as well be harmless: told only when nothing else explains a start that failed, and never by its own name. */
    static final int HINT = 5;
    /** That it ended, not why. */
    static final int BARE = 15;
    /** What happened to whom. */
    static final int EVENT = 40;
    /** The kind of the failure. */
    static final int KIND = 60;
    /** The very thing that has to be mended. */
    static final int THING = 80;

    Finding(CauseCode code, Certainty certainty, int rank, String detail, Proofs proofs) {
        this(code, certainty, rank, detail, proofs.list());
    }

    Finding with(Certainty other) {
        return new Finding(code, other, rank, detail, proofs);
    }

    /** When the first of its lines was seen; {@code otherwise} when it has none. */
    Instant sign(Instant otherwise) {
        return proofs.stream().map(Proof::at).min(Instant::compareTo).orElse(otherwise);
    }

    Verdict verdict(Instant otherwise) {
        List<String> lines = proofs.stream().map(Proof::line).distinct().toList();
        return new Verdict(new Cause(code, detail, lines), certainty, sign(otherwise));
    }
}
