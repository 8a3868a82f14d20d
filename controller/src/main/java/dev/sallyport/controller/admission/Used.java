package dev.sallyport.controller.admission;

import dev.sallyport.model.UserId;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How many machines there are, and whose. Not for several threads at once. */
final class Used {
    private final Map<UserId, Integer> shares = new HashMap<>();
    private int machines;

    void add(@Nullable UserId user, Need need) {
        machines += need.machines();
        count(user, need.ofUsersShare());
    }

    void remove(@Nullable UserId user, Need need) {
        machines -= need.machines();
        count(user, -need.ofUsersShare());
    }

    int machines() {
        return machines;
    }

    /** Machines that count against {@code user}'s limit. */
    int of(UserId user) {
        return shares.getOrDefault(user, 0);
    }

    private void count(@Nullable UserId user, int more) {
        if (user == null) {
            return; // Nobody's count against no user's limit.
        }
        shares.merge(user, more, (had, added) -> had + added == 0 ? null : had + added);
    }
}
