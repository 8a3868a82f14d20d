package dev.sallyport.image.build;

/** Told of what a build does. Called from several threads at once; returns soon. */
@FunctionalInterface
public interface BuildListener {
    /** Hears nothing. */
    BuildListener SILENT = step -> {};

    /** What happens to a part. */
    enum State {
        /** Another builder makes it; we wait for that one. */
        WAITING,
        /** It is being made. */
        RUNNING,
        /** It was there already. */
        CACHED,
        /** It has been made. */
        BUILT,
        /** It could not be made. */
        FAILED
    }

    /**
     * One piece of news. {@link State#CACHED}, {@link State#BUILT} and {@link State#FAILED} are a part's last.
     *
     * @param part what is made: a layer's name, {@code kernel}, {@code initramfs}, {@code verification}
     * @param phase what is being done to it, in a few words, such as {@code unpacking packages}
     * @param state how it stands
     * @param percent of the part, 0 to 100; -1 when unknown
     * @param bytes of the finished part, or downloaded so far; -1 when unknown
     * @param millis since work on the part began
     */
    record Step(String part, String phase, State state, int percent, long bytes, long millis) {}

    /** Something happened. */
    void step(Step step);
}
