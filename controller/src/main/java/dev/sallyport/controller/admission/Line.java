package dev.sallyport.controller.admission;

import dev.sallyport.model.UserId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The starts that wait, and whose turn comes when: in turns by user, those at their own limit last. Used under the gate's lock. */
final class Line {
    private final FairQueue<UserId, Place> queue = new FairQueue<>();
    private final Limits limits;
    private final Used used;

    /** The starts that wait, the next first; those that wait for a machine of their own user are the last. */
    private record Order(List<Place> next, List<Place> atUsersLimit) {}

    /** @param used what is admitted */
    Line(Limits limits, Used used) {
        this.limits = limits;
        this.used = used;
    }

    void add(Place place) {
        queue.add(owner(place), place);
    }

    /** Takes it out because its turn has come. */
    void serve(Place place) {
        queue.serve(owner(place), place);
    }

    /** Takes it out because it waits no more. */
    void remove(Place place) {
        queue.remove(owner(place), place);
    }

    int size() {
        return queue.size();
    }

    int size(UserId user) {
        return queue.size(user);
    }

    List<Place> inOrder() {
        return queue.inOrder();
    }

    /** Whose turn it is; null when all that wait are at their own limits. */
    @Nullable
    Place first() {
        List<Place> next = order().next();
        return next.isEmpty() ? null : next.getFirst();
    }

    List<Place> atUsersLimit() {
        return order().atUsersLimit();
    }

    /** Gives each its number, and wakes those whose number has changed. */
    void number() {
        Order order = order();
        int number = 0;
        for (List<Place> part : List.of(order.next(), order.atUsersLimit())) {
            for (Place place : part) {
                number++;
                if (place.number != number) {
                    place.number = number;
                    place.changed.signalAll();
                }
            }
        }
    }

    private Order order() {
        var added = new Used(); // Beside what is admitted: users are many, and few of them wait.
        var order = new Order(new ArrayList<>(), new ArrayList<>());
        Set<UserId> stopped = new HashSet<>();
        for (Place place : queue.inOrder()) {
            UserId user = owner(place);
            int share = place.need.ofUsersShare();
            if (share > 0 && used.of(user) + added.of(user) + share > limits.machinesPerUser()) {
                stopped.add(user);
            }
            if (stopped.contains(user)) {
                order.atUsersLimit().add(place);
            } else {
                added.add(user, place.need);
                order.next().add(place);
            }
        }
        return order;
    }

    /** Only users wait: what is nobody's has a place at once, or none. */
    private static UserId owner(Place place) {
        return Objects.requireNonNull(place.user());
    }
}
