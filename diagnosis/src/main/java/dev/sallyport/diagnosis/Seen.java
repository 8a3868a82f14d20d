package dev.sallyport.diagnosis;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Everything that was seen of one machine's start; what rules judge. */
final class Seen {
    private static final int MOST_PARTS = 16;

    private final Subject subject;
    private final Story story;
    private final Answers answers = new Answers();
    private final List<Evidence.FailedPart> parts = new ArrayList<>();
    private Evidence.@Nullable Exit exit;
    private Evidence.@Nullable Halted halted;
    private Evidence.@Nullable Idle idle;
    private Evidence.@Nullable Deadline deadline;
    private @Nullable Instant healthy;
    private Instant now = Instant.EPOCH;
    private @Nullable AgentLife life;

    Seen(Subject subject) {
        this.subject = subject;
        this.story = new Story(subject.unit());
    }

    /**
     * Takes what was seen.
     *
     * @return whether it may change what rules say
     */
    boolean accept(Evidence evidence) {
        boolean tells = true;
        now = evidence.at().isAfter(now) ? evidence.at() : now;
        switch (evidence) {
            case Evidence.Line line -> {
                tells = story.accept(line.at(), line.text());
                if (idle != null && !says(line.text())) {
                    tells = true;
                    idle = null;
                }
            }
            case Evidence.Answer answer -> {
                answers.accept(answer);
                if (answer.reply() == Evidence.Reply.HEALTHY && healthy == null) {
                    healthy = answer.at();
                }
                halted = null;
            }
            case Evidence.FailedPart part -> {
                if (parts.size() < MOST_PARTS) {
                    parts.add(part);
                }
            }
            case Evidence.Exit end -> exit = end;
            case Evidence.Halted stop -> halted = stop;
            case Evidence.Idle still -> idle = still;
            case Evidence.Deadline over -> deadline = over;
        }
        if (tells) {
            life = null;
        }
        return tells;
    }

    /** Lines that come while a machine only waits: systemd's counting of a job's seconds, and the report of last words. */
    private static boolean says(String line) {
        return line.contains("job is running for")
                || line.contains("/start running (")
                || line.contains("sallyport-words: ");
    }

    Subject subject() {
        return subject;
    }

    /** The agent's unit. */
    String unit() {
        return subject.unit();
    }

    Story story() {
        return story;
    }

    LastWords words() {
        return story.lastWords();
    }

    Answers answers() {
        return answers;
    }

    List<Evidence.FailedPart> parts() {
        return parts;
    }

    Optional<Evidence.Exit> exit() {
        return Optional.ofNullable(exit);
    }

    Optional<Evidence.Halted> halted() {
        return Optional.ofNullable(halted);
    }

    /** The guest has come to rest, and nothing has been heard of it since. */
    Optional<Evidence.Idle> idle() {
        return Optional.ofNullable(idle);
    }

    Optional<Evidence.Deadline> deadline() {
        return Optional.ofNullable(deadline);
    }

    /** When the agent first answered as it should. */
    Optional<Instant> healthy() {
        return Optional.ofNullable(healthy);
    }

    /** The time of the latest evidence. */
    Instant now() {
        return now;
    }

    /** The agent's unit as the last words have it, in one line or several. */
    Optional<Words> unitWords() {
        return words().all("unit").stream()
                .filter(words -> words.field(0).equals(unit()))
                .reduce(Words::and);
    }

    /** What has become of the agent's process. */
    AgentLife life() {
        AgentLife known = life;
        if (known == null) {
            known = AgentLife.of(this);
            life = known;
        }
        return known;
    }
}
