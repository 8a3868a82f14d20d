package dev.sallyport.diagnosis;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Gathers the lines that prove something, the most telling first, each once and only a few. */
final class Proofs {
    /** Most lines of one finding. */
    static final int MOST = 8;

    private final Set<Proof> proofs = new LinkedHashSet<>();

    static Proofs none() {
        return new Proofs();
    }

    static Proofs of(Mark... marks) {
        return new Proofs().marks(List.of(marks));
    }

    static Proofs of(Evidence evidence) {
        return new Proofs().seen(evidence);
    }

    Proofs add(Proof proof) {
        if (proofs.size() < MOST) {
            proofs.add(proof);
        }
        return this;
    }

    Proofs seen(Evidence evidence) {
        return add(new Proof(evidence.at(), evidence.text()));
    }

    Proofs marks(List<Mark> marks) {
        marks.forEach(mark -> add(mark.proof()));
        return this;
    }

    Proofs words(List<Words> words) {
        words.forEach(line -> add(line.proof()));
        return this;
    }

    Proofs word(Optional<Words> words) {
        words.ifPresent(line -> add(line.proof()));
        return this;
    }

    Proofs lines(List<Proof> lines) {
        lines.forEach(this::add);
        return this;
    }

    List<Proof> list() {
        return List.copyOf(proofs);
    }
}
