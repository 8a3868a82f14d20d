package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What was seen of one machine, in a text file that people can write. A line each, {@code #} before remarks:
 *
 * <pre>
 * unit vm-agent.service                  another unit than Sallyport's
 * +1.2 console TEXT                      the same time as the line before when +TIME is left out
 * +2.0 words REASON                      begins last words: lines up to `words-end`, framed with their count and checksum
 * +2.0 answer REFUSED TEXT               UNREACHABLE, REFUSED, CLOSED, SILENT, WRONG or HEALTHY
 * +2.0 part NAME TEXT
 * +3.0 exit KILLED 137 TEXT
 * +3.0 halted TEXT
 * +9.0 idle SECONDS
 * +120 deadline
 * => nothing                             the verdict at this point
 * => CAUSE CERTAINTY text in the detail
 * => last CAUSE text                     what {@link Diagnosis#last} says
 * => evidence TEXT                       the first evidence line of the verdict holds it
 * => never DOOMED                        and no earlier point gave a verdict of that certainty or more
 * </pre>
 */
record Recording(Subject subject, List<Step> steps) {
    static final Instant START = Instant.parse("2026-11-27T06:00:00Z");

    sealed interface Step {
        int line();

        record Seen(int line, Evidence evidence) implements Step {}

        record Expected(int line, String text) implements Step {}
    }

    static Recording read(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var steps = new ArrayList<Step>();
        Subject subject = Subject.AGENT;
        Instant at = START;
        var words = new ArrayList<String>();
        boolean inWords = false;
        for (int number = 1; number <= lines.size(); number++) {
            String line = lines.get(number - 1);
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            if (line.startsWith("=> ")) {
                steps.add(new Step.Expected(number, line.substring(3)));
                continue;
            }
            if (line.startsWith("unit ") && !inWords) {
                subject = new Subject(line.substring(5), Subject.AGENT.port());
                continue;
            }
            if (line.startsWith("+")) {
                int blank = line.indexOf(' ');
                at = START.plusMillis(Math.round(Double.parseDouble(line.substring(1, blank)) * 1000));
                line = line.substring(blank + 1);
            }
            String kind = line.split(" ", 2)[0];
            String rest = line.length() > kind.length() ? line.substring(kind.length() + 1) : "";
            if (inWords && !kind.equals("words-end")) {
                words.add(line);
                steps.add(new Step.Seen(number, new Evidence.Line(at, "sallyport-words: " + line)));
                continue;
            }
            Evidence evidence = switch (kind) {
                case "words" -> {
                    inWords = true;
                    words.clear();
                    yield new Evidence.Line(at, "sallyport-words: BEGIN 1 " + rest);
                }
                case "words-end" -> {
                    inWords = false;
                    var cksum = new Cksum();
                    words.forEach(word -> cksum.add(word + "\n"));
                    yield new Evidence.Line(at, "sallyport-words: END " + words.size() + " " + cksum.value());
                }
                default -> evidence(at, kind, rest);
            };
            steps.add(new Step.Seen(number, evidence));
        }
        return new Recording(subject, steps);
    }

    private static Evidence evidence(Instant at, String kind, String rest) {
        String[] two = rest.split(" ", 2);
        String more = two.length > 1 ? two[1] : "";
        return switch (kind) {
            case "console" -> new Evidence.Line(at, rest);
            case "answer" ->
                new Evidence.Answer(
                        at, Evidence.Reply.valueOf(two[0]), more.isEmpty() ? two[0].toLowerCase(Locale.ROOT) : more);
            case "part" -> new Evidence.FailedPart(at, two[0], more);
            case "exit" -> {
                String[] three = rest.split(" ", 3);
                yield new Evidence.Exit(
                        at,
                        Evidence.End.valueOf(three[0]),
                        Integer.parseInt(three[1]),
                        three.length > 2 ? List.of(three[2]) : List.of());
            }
            case "halted" -> new Evidence.Halted(at, rest);
            case "idle" ->
                new Evidence.Idle(
                        at,
                        Duration.ofSeconds(Long.parseLong(rest)),
                        "the guest has used no processor time for " + rest + " s");
            case "deadline" -> new Evidence.Deadline(at, Duration.between(START, at));
            default -> throw new IllegalArgumentException("what is '" + kind + " " + rest + "'?");
        };
    }

    /** Shows the recording to a diagnosis, and compares its verdicts; the texts say what differs. */
    List<String> differences() {
        var differences = new ArrayList<String>();
        var diagnosis = new Diagnosis(subject);
        Certainty most = null;
        for (Step step : steps) {
            switch (step) {
                case Step.Seen seen -> {
                    diagnosis.add(seen.evidence());
                    Certainty now = diagnosis.verdict().map(Verdict::certainty).orElse(null);
                    most = now != null && (most == null || now.compareTo(most) > 0) ? now : most;
                }
                case Step.Expected expected -> {
                    String wrong = compare(diagnosis, expected.text(), most);
                    if (!wrong.isEmpty()) {
                        differences.add(
                                "line " + expected.line() + ": expected " + expected.text() + "\n    but " + wrong);
                    }
                }
            }
        }
        return differences;
    }

    private static String compare(
            Diagnosis diagnosis, String expected, @Nullable Certainty most) {
        if (expected.equals("nothing")) {
            return diagnosis.verdict().map(Recording::text).orElse("");
        }
        if (expected.startsWith("never ")) {
            Certainty bound = Certainty.valueOf(expected.substring(6));
            return most == null || most.compareTo(bound) < 0 ? "" : "there was a verdict that is " + most;
        }
        if (expected.startsWith("evidence ")) {
            Verdict verdict = diagnosis.verdict().orElseGet(diagnosis::last);
            return !verdict.cause().evidence().isEmpty()
                            && verdict.cause().evidence().getFirst().contains(expected.substring(9))
                    ? ""
                    : text(verdict);
        }
        boolean last = expected.startsWith("last ");
        String[] words = (last ? expected.substring(5) : expected).split(" ", last ? 2 : 3);
        Verdict verdict = last ? diagnosis.last() : diagnosis.verdict().orElse(null);
        if (verdict == null) {
            return "there is no verdict";
        }
        boolean same = verdict.cause().code() == CauseCode.valueOf(words[0])
                && (last || verdict.certainty() == Certainty.valueOf(words[1]));
        String part = words.length > (last ? 1 : 2) ? words[last ? 1 : 2] : "";
        boolean proven = !verdict.cause().evidence().isEmpty()
                && !verdict.cause().detail().isBlank();
        return same && proven && verdict.cause().detail().contains(part) ? "" : text(verdict);
    }

    private static String text(Verdict verdict) {
        return verdict.cause().code() + " " + verdict.certainty() + " '"
                + verdict.cause().detail() + "'\n        "
                + String.join("\n        ", verdict.cause().evidence());
    }
}
