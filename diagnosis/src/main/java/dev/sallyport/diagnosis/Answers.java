package dev.sallyport.diagnosis;

import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What came of asking the agent's port, summed up. */
final class Answers {
    private final Map<Evidence.Reply, Integer> counts = new EnumMap<>(Evidence.Reply.class);
    private final Map<Evidence.Reply, Evidence.Answer> firsts = new EnumMap<>(Evidence.Reply.class);
    private Evidence.@Nullable Answer last;

    void accept(Evidence.Answer answer) {
        counts.merge(answer.reply(), 1, Integer::sum);
        firsts.putIfAbsent(answer.reply(), answer);
        last = answer;
    }

    Optional<Evidence.Answer> last() {
        return Optional.ofNullable(last);
    }

    Optional<Evidence.Answer> first(Evidence.Reply reply) {
        return Optional.ofNullable(firsts.get(reply));
    }

    int count(Evidence.Reply reply) {
        return counts.getOrDefault(reply, 0);
    }

    /** The last answer came after {@code when}, and was of that kind. */
    boolean lastIs(Evidence.Reply reply, Instant when) {
        return last != null && last.reply() == reply && last.at().isAfter(when);
    }

    /** Every answer so far was of that kind, and there was one. */
    boolean only(Evidence.Reply reply) {
        return counts.size() == 1 && counts.containsKey(reply);
    }

    /** For people: each kind and how often. */
    String text() {
        return counts.isEmpty()
                ? "none"
                : counts.entrySet().stream()
                        .map(entry -> entry.getKey().name().toLowerCase(Locale.ROOT) + " " + entry.getValue())
                        .collect(Collectors.joining(", "));
    }
}
