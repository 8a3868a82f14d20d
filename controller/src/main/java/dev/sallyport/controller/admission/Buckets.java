package dev.sallyport.controller.admission;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A bucket of tokens for each key that was lately heard of. A full bucket says no more than none, so those that were not used for
 * longest and are full make room for others. When none is, as under a flood of keys, the new ones share a bucket: neither is a
 * limit forgotten nor does the memory grow.
 *
 * @param <K> whose buckets they are
 */
final class Buckets<K> {
    /** How many of the least recently used are looked at for a full one. */
    private static final int LOOKED_AT = 64;

    private final Rate rate;
    private final TimeMeter clock;
    private final int kept;
    /** The least recently used first. */
    private final Map<K, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true);

    private final Bucket shared;

    /** @param kept most keys that have a bucket of their own */
    Buckets(Rate rate, TimeMeter clock, int kept) {
        this.rate = rate;
        this.clock = clock;
        this.kept = kept;
        this.shared = make();
    }

    /** Takes a token, or tells when there is one. */
    synchronized ConsumptionProbe take(K key) {
        return bucket(key).tryConsumeAndReturnRemaining(1);
    }

    /** Gives back a token that was taken. */
    synchronized void giveBack(K key) {
        buckets.getOrDefault(key, shared).addTokens(1);
    }

    /** How many keys have a bucket of their own. */
    synchronized int size() {
        return buckets.size();
    }

    private Bucket bucket(K key) {
        Bucket known = buckets.get(key);
        if (known != null) {
            return known;
        }
        if (buckets.size() >= kept && !forgetOne()) {
            return shared;
        }
        Bucket made = make();
        buckets.put(key, made);
        return made;
    }

    private boolean forgetOne() {
        Iterator<Bucket> oldest = buckets.values().iterator();
        for (int i = 0; i < LOOKED_AT && oldest.hasNext(); i++) {
            if (oldest.next().getAvailableTokens() >= rate.burst()) {
                oldest.remove();
                return true;
            }
        }
        return false;
    }

    private Bucket make() {
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(rate.burst()).refillGreedy(rate.starts(), rate.period()))
                .withCustomTimePrecision(clock)
                .build();
    }
}
