package dev.sallyport.agent.identity;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** When each step was done; becomes words only when somebody wants them. */
final class Account {
    private final long began;
    private final List<Entry> entries = new ArrayList<>();

    private record Entry(String name, long at) {}

    /** @param began the value of {@link System#nanoTime} from which it counts */
    Account(long began) {
        this.began = began;
    }

    /** Notes that a step is done. */
    void note(String name) {
        entries.add(new Entry(name, System.nanoTime()));
    }

    /** Names with the milliseconds at which they were done, in their order. */
    @Override
    public String toString() {
        var text = new StringBuilder();
        for (Entry entry : entries) {
            text.append(text.isEmpty() ? "" : ", ")
                    .append(entry.name)
                    .append(' ')
                    .append(Duration.ofNanos(entry.at - began).toMillis());
        }
        return text.toString();
    }
}
