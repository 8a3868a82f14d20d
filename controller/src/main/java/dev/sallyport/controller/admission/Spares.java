package dev.sallyport.controller.admission;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The places of machines that are nobody's, and how they are told to give way. Used under the gate's lock. */
final class Spares {
    /** The oldest first. */
    private final Map<Place, Runnable> open = new LinkedHashMap<>();

    private final Set<Place> asked = new HashSet<>();

    void add(Place place, Runnable giveWay) {
        open.put(place, giveWay);
    }

    /** @return whether it was one */
    boolean remove(Place place) {
        asked.remove(place);
        return open.remove(place) != null;
    }

    boolean isEmpty() {
        return open.isEmpty();
    }

    /** Bytes that are free when all have given way. */
    long memory() {
        return open.keySet().stream().mapToLong(place -> place.need.memory()).sum();
    }

    /** Machines fewer when all have given way. */
    int machines() {
        return open.keySet().stream().mapToInt(place -> place.need.machines()).sum();
    }

    /**
     * Chooses those that give way for a lack of so much, the youngest first; those that were asked before count.
     *
     * @return what tells them to, for the caller to run without the lock; empty when those that were asked are enough, or all
     */
    List<Runnable> ask(long memory, int machines) {
        long memoryLeft =
                memory - asked.stream().mapToLong(place -> place.need.memory()).sum();
        int machinesLeft = machines
                - asked.stream().mapToInt(place -> place.need.machines()).sum();
        List<Runnable> told = new ArrayList<>();
        for (Place place : List.copyOf(open.keySet()).reversed()) {
            if (memoryLeft <= 0 && machinesLeft <= 0) {
                break;
            }
            if (asked.add(place)) {
                memoryLeft -= place.need.memory();
                machinesLeft -= place.need.machines();
                told.add(open.get(place));
            }
        }
        return told;
    }
}
