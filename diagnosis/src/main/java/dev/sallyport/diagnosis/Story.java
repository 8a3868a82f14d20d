package dev.sallyport.diagnosis;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a console has told so far: the signs in its lines, by unit where they are about one, what programs said, and the guest's
 * last words. Its memory is bounded whatever comes.
 */
final class Story {
    private static final int MAX_LINE = 400;
    private static final int MOST_UNITS = 256;
    private static final int MOST_IN_A_LINE = 3;
    private static final int LAST_LINES = 12;
    /** What a program says about its failure stands so shortly before systemd says that it ended. */
    private static final Duration BEFORE_END = Duration.ofSeconds(3);

    private static final Pattern SPEAKER = Pattern.compile("(?:^|[\\s\\]])\\(?([\\w.+@-]{1,64})\\)?\\[\\d{1,10}\\]: ");
    private static final Pattern STAMPED = Pattern.compile("^(?:<\\d>)?\\[ *\\d+\\.\\d{3,6}\\]");
    private static final Pattern STATUS =
            Pattern.compile("^ *(?:\\[ *(?:OK|FAILED|DEPEND|TIME|SKIP|WARN|INFO|\\**) *\\]|See 'systemctl status)");
    private static final Set<String> OF_SYSTEMD = Set.of("systemd", "kernel", "systemd-journald", "systemd-udevd");

    private final Names names;
    private final String agent;
    private final LastWords lastWords = new LastWords();
    private final Map<Sign, Marks> marks = new EnumMap<>(Sign.class);
    private final Map<String, Map<Sign, Marks>> units = new LinkedHashMap<>();
    private final Map<Sign, Marks> retold = new EnumMap<>(Sign.class);
    private final Set<String> speakers = new LinkedHashSet<>();
    private final ArrayDeque<Proof> lines = new ArrayDeque<>();
    private final ArrayDeque<Proof> programs = new ArrayDeque<>();
    private final ArrayDeque<Proof> agents = new ArrayDeque<>();
    private @Nullable Instant began;
    private long count;

    Story(String agent) {
        this.agent = agent;
        this.names = new Names(agent);
        String stem = Names.stem(agent);
        speakers.add(stem);
        if (stem.endsWith("-agent")) {
            speakers.add("agent");
        }
    }

    /**
     * Takes a line.
     *
     * @return whether it tells anything: what was judged without it stands otherwise
     */
    boolean accept(Instant at, String text) {
        String line = text.length() <= MAX_LINE ? text : text.substring(0, MAX_LINE);
        var proof = new Proof(at, line);
        count++;
        keep(lines, proof);
        if (began == null
                && (line.contains("Linux version") || STAMPED.matcher(line).find())) {
            began = at;
        }
        Optional<Words> words = lastWords.accept(proof);
        if (words.isPresent()) {
            retell(words.get());
            return true;
        }
        if (line.contains("sallyport-words: ")) {
            return true;
        }
        boolean tells = false;
        for (Sign sign : Sign.values()) {
            if (line.contains(sign.hint())) {
                tells |= search(sign, proof, false);
            }
        }
        return hear(proof) || tells;
    }

    /** What the journal of the agent's unit holds was said before; it counts where the console did not show it. */
    private void retell(Words words) {
        if (words.kind().equals("exec") && !words.field(0).isEmpty()) {
            learnProgram(words.field(0));
        }
        if (words.kind().equals("journal") || words.kind().equals("error")) {
            for (Sign sign : Sign.values()) {
                if (words.rest().contains(sign.hint())) {
                    search(sign, words.proof(), true);
                }
            }
        }
    }

    private boolean search(Sign sign, Proof proof, boolean again) {
        Matcher matcher = sign.pattern().matcher(proof.line());
        int found = 0;
        for (; found < MOST_IN_A_LINE && matcher.find(); found++) {
            var groups = new ArrayList<String>();
            for (int group = 1; group <= matcher.groupCount(); group++) {
                String value = matcher.group(group);
                groups.add(value == null ? "" : value);
            }
            if (sign.ofUnit()) {
                groups.set(0, groups.getFirst().isEmpty() ? "" : names.unit(groups.getFirst()));
            }
            var mark = new Mark(sign, proof, List.copyOf(groups));
            learn(mark);
            Map<Sign, Marks> into = again ? retold : sign.ofUnit() ? ofUnit(mark.word(1)) : marks;
            if (into != null) {
                into.computeIfAbsent(sign, s -> new Marks()).add(mark);
            }
        }
        return found > 0;
    }

    private Map<Sign, Marks> ofUnit(String unit) {
        Map<Sign, Marks> known = units.get(unit);
        if (known == null) {
            if (units.size() >= MOST_UNITS) {
                units.keySet().stream()
                        .filter(name -> !names.agent(name) && !name.isEmpty())
                        .findFirst()
                        .ifPresent(units::remove);
            }
            known = new EnumMap<>(Sign.class);
            units.put(unit, known);
        }
        return known;
    }

    /** The program that systemd starts for the agent's unit is the name that its lines on the console have. */
    private void learn(Mark mark) {
        if (mark.sign() == Sign.STEP_FAILED && mark.word(1).equals(agent)) {
            learnProgram(mark.word(3));
        }
        if ((mark.sign() == Sign.NOT_LOCATED || mark.sign() == Sign.NOT_EXECUTED)
                && mark.word(1).equals(agent)) {
            learnProgram(mark.word(2));
        }
    }

    private void learnProgram(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        if (!name.isEmpty() && speakers.size() < 16) {
            speakers.add(name);
        }
    }

    private boolean hear(Proof proof) {
        Matcher speaker = SPEAKER.matcher(proof.line());
        boolean named = speaker.find();
        boolean own = agents(proof);
        if (own) {
            keep(agents, proof);
        }
        if (named
                ? !OF_SYSTEMD.contains(speaker.group(1))
                : !STAMPED.matcher(proof.line()).find()
                        && !STATUS.matcher(proof.line()).find()
                        && !proof.line().contains("sallyport-initramfs: ")) {
            keep(programs, proof);
        }
        return own;
    }

    private static void keep(ArrayDeque<Proof> ring, Proof proof) {
        if (ring.size() == LAST_LINES) {
            ring.removeFirst();
        }
        ring.addLast(proof);
    }

    /** Whether the agent's program said that line. */
    private boolean agents(Proof proof) {
        Matcher speaker = SPEAKER.matcher(proof.line());
        while (speaker.find()) {
            if (speakers.contains(speaker.group(1))) {
                return !proof.line().contains("]: " + agent + ": ");
            }
        }
        return proof.line().contains(" " + Names.stem(agent) + ": ");
    }

    /** The number of lines. */
    long count() {
        return count;
    }

    /** When the kernel's first words were seen; a kernel that is told to be quiet has none. */
    Optional<Instant> began() {
        return Optional.ofNullable(began);
    }

    /** The last lines. */
    List<Proof> lines() {
        return List.copyOf(lines);
    }

    LastWords lastWords() {
        return lastWords;
    }

    Names names() {
        return names;
    }

    /** The marks of a sign, of whichever unit, in their order. */
    List<Mark> of(Sign sign) {
        if (!sign.ofUnit()) {
            Marks found = marks.get(sign);
            return found == null ? List.of() : found.kept();
        }
        var all = new ArrayList<Mark>();
        units.values().forEach(unit -> {
            Marks found = unit.get(sign);
            if (found != null) {
                all.addAll(found.kept());
            }
        });
        all.sort((one, other) -> one.proof().at().compareTo(other.proof().at()));
        return all;
    }

    /** The first mark of a sign. */
    Optional<Mark> first(Sign sign) {
        return of(sign).stream().findFirst();
    }

    /** Whether the sign was seen. */
    boolean has(Sign sign) {
        return !of(sign).isEmpty();
    }

    /** How often a sign without a unit was seen. */
    int count(Sign sign) {
        Marks found = marks.get(sign);
        return found == null ? 0 : found.count();
    }

    /** The marks of the agent's unit; those that its journal tells again where the console did not show them. */
    List<Mark> agent(Sign sign) {
        List<Mark> live = agentLive(sign);
        Marks again = retold.get(sign);
        if (!live.isEmpty() || again == null) {
            return live;
        }
        return again.kept().stream()
                .filter(mark -> mark.word(1).isEmpty() || names.agent(mark.word(1)))
                .toList();
    }

    private List<Mark> agentLive(Sign sign) {
        return of(sign).stream().filter(mark -> names.agent(mark.word(1))).toList();
    }

    /** How often the agent's unit bore the sign. */
    int agentCount(Sign sign) {
        Marks live = units.getOrDefault(agent, Map.of()).get(sign);
        return Math.max(live == null ? 0 : live.count(), agent(sign).size());
    }

    /** The marks of other units than the agent's. */
    List<Mark> others(Sign sign) {
        return of(sign).stream().filter(mark -> !names.agent(mark.word(1))).toList();
    }

    /**
     * What the agent's program said that bears the sign: lines with its name, of its journal, and, when {@code end} is when it
     * ended, those without a name shortly before.
     */
    List<Mark> said(Sign sign, Optional<Instant> end) {
        var said = new ArrayList<Mark>();
        for (Mark mark : of(sign)) {
            if (agents(mark.proof()) || (end.isPresent() && near(mark.proof(), end.get()) && anonymous(mark.proof()))) {
                said.add(mark);
            }
        }
        Marks again = retold.get(sign);
        if (again != null) {
            said.addAll(again.kept());
        }
        return said;
    }

    /** The agent's last lines, or, when none has its name, what programs said shortly before {@code end}. */
    List<Proof> agentsLast(Optional<Instant> end) {
        if (!agents.isEmpty()) {
            return List.copyOf(agents);
        }
        List<Proof> journal =
                lastWords.all("journal").stream().map(Words::proof).toList();
        if (!journal.isEmpty() || end.isEmpty()) {
            return journal;
        }
        return programs.stream()
                .filter(line -> near(line, end.get()) && anonymous(line))
                .toList();
    }

    private static boolean near(Proof proof, Instant end) {
        return !proof.at().isBefore(end.minus(BEFORE_END)) && !proof.at().isAfter(end.plusSeconds(1));
    }

    /** No other program's name stands before it. */
    private boolean anonymous(Proof proof) {
        Matcher speaker = SPEAKER.matcher(proof.line());
        return !speaker.find() || speakers.contains(speaker.group(1));
    }
}
