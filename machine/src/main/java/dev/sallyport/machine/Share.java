package dev.sallyport.machine;

/**
 * How a machine shares the processors of its host with the others, and with the program that serves them all, where there are too few
 * for all that is to be done; where there are enough it makes no difference. By niceness, of which each step is a quarter more (sched(7)).
 */
public enum Share {
    /** As much as each other, and as that program. */
    USUAL(0),
    /** Nobody waits for it at this moment: what it does, it does when there is time. */
    BACKGROUND(19);

    private final int niceness;

    Share(int niceness) {
        this.niceness = niceness;
    }

    /** What the kernel calls it. */
    public int niceness() {
        return niceness;
    }
}
