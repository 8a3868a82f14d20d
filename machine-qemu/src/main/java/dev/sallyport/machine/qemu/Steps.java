package dev.sallyport.machine.qemu;

import dev.sallyport.machine.StepListener;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Tells of steps, each with the milliseconds ({@code ms}) since the one before. */
final class Steps {
    private final StepListener listener;
    private long began = System.nanoTime();

    Steps(StepListener listener) {
        this.listener = listener;
    }

    void done(String step, String text, Map<String, String> details) {
        long now = System.nanoTime();
        var all = new HashMap<>(details);
        all.put("ms", Long.toString(Duration.ofNanos(now - began).toMillis()));
        began = now;
        listener.done(step, text, all);
    }
}
