package dev.sallyport.diagnosis;

import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Reads from what was seen how far a machine came, and when. */
final class Phases {
    private Phases() {}

    /** The steps that were seen, in the order of their times. */
    static List<Phase> of(Seen seen) {
        Story story = seen.story();
        Map<Phase.Name, Instant> times = new EnumMap<>(Phase.Name.class);
        first(times, Phase.Name.KERNEL_BEGAN, story.began());
        first(times, Phase.Name.ROOT_READY, at(story.of(Sign.ROOT_READY)));
        first(times, Phase.Name.SYSTEMD_BEGAN, at(story.of(Sign.SYSTEMD)));
        first(times, Phase.Name.SYSTEMD_BEGAN, at(story.of(Sign.SYSTEMD_SPEAKS)));
        first(times, Phase.Name.UNIT_STARTED, at(story.agent(Sign.STARTED)));
        first(times, Phase.Name.AGENT_LISTENS, at(story.said(Sign.LISTENS, Optional.empty())));
        first(times, Phase.Name.AGENT_ANSWERED, seen.healthy());
        return times.entrySet().stream()
                .map(entry -> new Phase(entry.getKey(), entry.getValue()))
                .sorted(Comparator.comparing(Phase::at).thenComparing(Phase::name))
                .toList();
    }

    private static Optional<Instant> at(List<Mark> marks) {
        return marks.stream().map(mark -> mark.proof().at()).min(Comparator.naturalOrder());
    }

    private static void first(Map<Phase.Name, Instant> times, Phase.Name name, Optional<Instant> at) {
        at.ifPresent(time -> times.merge(
                name,
                time,
                (one, other) ->
                        Stream.of(one, other).min(Comparator.naturalOrder()).get()));
    }
}
