package dev.sallyport.controller.pool;

import dev.sallyport.egress.EgressEvent;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a machine's way out has told of hosts that the machine did not reach, and has not reached since. A host that it reaches
 * again is forgotten.
 */
public final class EgressTroubles {
    /** Most hosts remembered: a machine may ask for any number. The first are kept, as those tell why it failed. */
    private static final int MAX_HOSTS = 64;

    private final InstantSource clock;
    private final Map<String, Trouble> troubles = new LinkedHashMap<>();

    /**
     * One host's.
     *
     * @param host lower case
     * @param kind what happened last
     * @param reason one sentence
     * @param first when that kind of thing happened first
     * @param last when it happened last
     * @param times how often since {@code first}
     */
    public record Trouble(String host, EgressEvent.Kind kind, String reason, Instant first, Instant last, long times) {
        /** How long it has been happening. */
        public Duration lasting() {
            return Duration.between(first, last);
        }

        /** As a line of evidence. */
        public String line() {
            return "egress gateway: " + host + ": " + reason + (times > 1 ? " (" + times + " times)" : "");
        }
    }

    /** None yet. */
    public EgressTroubles(InstantSource clock) {
        this.clock = clock;
    }

    /** Takes an event down. */
    public synchronized void happened(EgressEvent event) {
        Instant now = clock.instant();
        Trouble before = troubles.get(event.host());
        if (before == null && troubles.size() >= MAX_HOSTS) {
            return;
        }
        boolean again = before != null && before.kind() == event.kind();
        Instant first = before != null && again ? before.first() : now;
        long times = before != null && again ? before.times() + 1 : 1;
        troubles.put(event.host(), new Trouble(event.host(), event.kind(), event.reason(), first, now, times));
    }

    /** Takes down that {@code host} was reached. */
    public synchronized void reached(String host) {
        troubles.remove(host);
    }

    /** Those that there are, the newest first. */
    public synchronized List<Trouble> all() {
        var all = new ArrayList<>(troubles.values());
        all.sort(Comparator.comparing(Trouble::last).reversed());
        return List.copyOf(all);
    }
}
