package dev.sallyport.diagnosis;

/** How much a verdict's evidence proves; rises from the first to the last. */
public enum Certainty {
    /** It explains a failure if there is one; the machine may still come up. */
    POSSIBLE,
    /** The machine cannot come up; what it says next may name the reason better. */
    DOOMED,
    /** The machine cannot come up, and this is why. */
    PROVEN
}
