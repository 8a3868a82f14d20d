package dev.sallyport.agent;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/** The state of each part that the machine's kind needs: {@code starting}, {@code ok}, {@code failed: REASON}. */
public final class Parts {
    /** A part that is up. */
    public static final String OK = "ok";
    /** A part on its way. */
    public static final String STARTING = "starting";

    private static final String FAILED = "failed: ";

    private final Map<String, String> states = Collections.synchronizedMap(new TreeMap<>());

    /** Sets a part's state. */
    public void set(String part, String state) {
        states.put(part, state);
    }

    /** Sets that a part has failed; of several reasons the first stays. */
    public void fail(String part, String reason) {
        states.merge(part, FAILED + reason, (before, now) -> before.startsWith(FAILED) ? before : now);
    }

    /** A copy, by name. */
    public Map<String, String> snapshot() {
        synchronized (states) {
            return new TreeMap<>(states);
        }
    }

    /** True when none is still on its way; the way out is looked at later, and nothing waits for that. */
    public boolean settled() {
        synchronized (states) {
            return states.entrySet().stream()
                    .noneMatch(part ->
                            part.getValue().equals(STARTING) && !part.getKey().equals(EgressCheck.EGRESS));
        }
    }
}
