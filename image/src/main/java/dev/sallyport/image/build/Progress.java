package dev.sallyport.image.build;

import dev.sallyport.image.build.BuildListener.State;
import dev.sallyport.image.build.BuildListener.Step;

/** Tells a listener of one part. */
final class Progress {
    private final BuildListener listener;
    private final String part;
    private final long started = System.nanoTime();
    private volatile int percent = -1;

    Progress(BuildListener listener, String part) {
        this.listener = listener;
        this.part = part;
    }

    String part() {
        return part;
    }

    /** @param percent 0 to 100, or -1; never goes back */
    void running(String phase, int percent, long bytes) {
        this.percent = Math.max(this.percent, Math.min(percent, 100));
        tell(phase, State.RUNNING, this.percent, bytes);
    }

    void waiting() {
        tell("waiting for another build", State.WAITING, -1, -1);
    }

    void cached(long bytes) {
        tell("was there already", State.CACHED, 100, bytes);
    }

    void built(long bytes) {
        tell("done", State.BUILT, 100, bytes);
    }

    void failed(String why) {
        tell(why, State.FAILED, percent, -1);
    }

    private void tell(String phase, State state, int percentNow, long bytes) {
        listener.step(new Step(part, phase, state, percentNow, bytes, (System.nanoTime() - started) / 1_000_000));
    }
}
