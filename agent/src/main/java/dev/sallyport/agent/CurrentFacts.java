package dev.sallyport.agent;

/** The one place that holds what the machine is: what it was told at its boot, until a clone of a template is told anew. */
public final class CurrentFacts {
    private volatile Facts facts;

    /** Begins with {@code facts}. */
    public CurrentFacts(Facts facts) {
        this.facts = facts;
    }

    /** What holds now; whoever needs two of them asks once. */
    public Facts get() {
        return facts;
    }

    /** From now on {@code facts} hold. */
    public void replace(Facts now) {
        facts = now;
    }
}
