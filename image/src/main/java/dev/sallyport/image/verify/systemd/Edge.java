package dev.sallyport.image.verify.systemd;

/**
 * One dependency between units.
 *
 * @param kind what it means
 * @param from the unit that has it
 * @param to the unit that it names, an alias perhaps
 * @param file where it stands: a unit file, a link, or nothing when systemd implies it
 * @param line the line there; 0 when it is about the whole, or implied
 */
public record Edge(Kind kind, String from, String to, String file, int line) {
    /** What a dependency means (systemd.unit(5)). */
    public enum Kind {
        REQUIRES,
        REQUISITE,
        BINDS_TO,
        WANTS,
        /** {@code from} waits until {@code to} has finished starting, when that starts in the same boot. */
        AFTER
    }

    /** True when it starts what it names. */
    public boolean pulls() {
        return kind == Kind.REQUIRES || kind == Kind.BINDS_TO || kind == Kind.WANTS;
    }

    /** True when {@code from} cannot start without what it names. */
    public boolean hard() {
        return kind == Kind.REQUIRES || kind == Kind.BINDS_TO || kind == Kind.REQUISITE;
    }

    /** For people. */
    public String words() {
        return switch (kind) {
            case REQUIRES -> "requires";
            case REQUISITE -> "needs, already running,";
            case BINDS_TO -> "is bound to";
            case WANTS -> "wants";
            case AFTER -> "starts after";
        };
    }
}
