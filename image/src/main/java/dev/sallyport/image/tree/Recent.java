package dev.sallyport.image.tree;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Remembers what was used last, up to a weight that the user of this class counts as it likes. */
final class Recent<K, V> {
    private final long most;
    private final Map<K, Weighed<V>> known = new LinkedHashMap<>(16, 0.75f, true);
    private long weight;

    private record Weighed<V>(V value, long weight) {}

    /** @param most the weight of all that is remembered */
    Recent(long most) {
        this.most = most;
    }

    @Nullable
    V get(K key) {
        Weighed<V> found = known.get(key);
        return found == null ? null : found.value();
    }

    /** Remembers it, unless it alone is heavier than all may be. */
    void put(K key, V value, long itsWeight) {
        if (itsWeight > most) {
            return;
        }
        Weighed<V> before = known.put(key, new Weighed<>(value, itsWeight));
        weight += itsWeight - (before == null ? 0 : before.weight());
        Iterator<Weighed<V>> eldest = known.values().iterator();
        while (weight > most && eldest.hasNext()) {
            weight -= eldest.next().weight();
            eldest.remove();
        }
    }
}
