package dev.sallyport.diagnosis;

import java.util.function.Consumer;

/** Judges what was seen of one machine; a pure function. */
@FunctionalInterface
interface Rule {
    /** Tells {@code found} what the evidence says, if it says anything. */
    void judge(Seen seen, Consumer<Finding> found);
}
