package dev.sallyport.diagnosis;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What has become of the process of the agent's unit, from systemd's lines and the last words.
 *
 * <p>The line between its causes: {@code AGENT_FAILED} and {@code AGENT_KILLED} are of an agent that ended once, or that is not
 * started again; {@code AGENT_CRASH_LOOP} is of one that was started again and ended again. Ending once proves nothing while
 * systemd may start it again; ending twice, or systemd giving it up, does.
 *
 * @param ends how often it is known to have ended
 * @param code how it last ended: {@code exited}, {@code killed} or {@code dumped}; empty when it did not, or nobody said
 * @param status its exit code or its signal's number; -1 when nobody said
 * @param name what systemd calls that status, such as {@code EXEC} or {@code KILL}; may be empty
 * @param result systemd's name of the failure, such as {@code exit-code} or {@code timeout}; may be empty
 * @param gaveUp systemd does not start it again
 * @param certainty what that alone proves about the machine
 * @param firstEnd when it was first seen to have ended
 * @param proofs the lines that say so, the last end first
 */
record AgentLife(
        int ends,
        String code,
        int status,
        String name,
        String result,
        boolean gaveUp,
        Certainty certainty,
        Optional<Instant> firstEnd,
        List<Proof> proofs) {

    static AgentLife of(Seen seen) {
        Story story = seen.story();
        List<Mark> exits = story.agent(Sign.EXITED).stream()
                .filter(mark -> mark.word(2).equals("Main")
                        || !ExitStatus.step(mark.number(4)).isEmpty())
                .toList();
        List<Mark> results = story.agent(Sign.RESULT);
        List<Mark> restarts = story.agent(Sign.RESTARTS);
        List<Mark> tooQuick = story.agent(Sign.GAVE_UP);
        List<Mark> notStarted = story.agent(Sign.START_FAILED);
        List<Mark> well = story.agent(Sign.ENDED_WELL);
        Optional<Words> unit = seen.unitWords();

        String code = "";
        int status = -1;
        String name = "";
        if (!exits.isEmpty()) {
            Mark last = exits.getLast();
            code = last.word(3);
            status = last.number(4);
            name = last.word(5);
        } else if (unit.isPresent()) {
            code = code(unit.get());
            status = code.isEmpty() ? -1 : unit.get().number("ExecMainStatus");
            name = code.equals("exited") ? ExitStatus.step(status) : Signals.name(status);
        }
        String result = results.isEmpty() ? "" : results.getLast().word(2);
        if (result.isEmpty() || result.equals("start-limit-hit")) {
            String said = unit.map(words -> words.value("Result")).orElse("");
            result = said.isEmpty() || said.equals("success") ? result : said;
        }
        boolean failed =
                unit.map(words -> words.value("ActiveState").equals("failed")).orElse(false);
        boolean startLimit = !tooQuick.isEmpty() || result.equals("start-limit-hit");
        List<Mark> onFailure = story.agent(Sign.ON_FAILURE);
        boolean gaveUp = startLimit || !onFailure.isEmpty() || (failed && !restarting(unit));
        int ends = Math.max(story.agentCount(Sign.EXITED) == 0 ? 0 : exits.size(), code.isEmpty() ? 0 : 1);
        ends = Math.max(
                ends, restarts.stream().mapToInt(mark -> mark.number(2)).max().orElse(0));
        int told = unit.map(words -> words.number("NRestarts")).orElse(-1);
        // At its end, `deactivating`, systemd has not counted the restart that may follow.
        boolean over = failed
                || restarting(unit)
                || unit.map(words -> words.value("ActiveState").equals("deactivating"))
                        .orElse(false);
        ends = Math.max(ends, told > 0 ? told + (over ? 1 : 0) : 0);
        if (ends == 0 && (!results.isEmpty() || startLimit || (failed && !code.isEmpty()))) {
            ends = 1;
        }
        if (startLimit && code.isEmpty() && ends < 2 && !results.isEmpty()) {
            ends = 2; // Only what has been started and has ended again and again is refused so.
        }

        var proofs = Proofs.none();
        if (!exits.isEmpty()) {
            proofs.marks(List.of(exits.getLast()));
        }
        proofs.marks(tooQuick.stream().limit(1).toList())
                .word(ends == 0 && notStarted.isEmpty() ? Optional.empty() : unit)
                .marks(restarts.isEmpty() ? List.of() : List.of(restarts.getLast()))
                .marks(results.isEmpty() ? List.of() : List.of(results.getLast()))
                .marks(exits.stream().limit(2).toList())
                .marks(onFailure.stream().limit(1).toList())
                .marks(notStarted.stream().limit(1).toList())
                .marks(well.stream().limit(1).toList());

        Certainty certainty = gaveUp
                ? Certainty.PROVEN
                : ends >= 2
                                || (ends == 1
                                        && (seen.idle().isPresent()
                                                || seen.exit().isPresent()))
                        ? Certainty.DOOMED
                        : Certainty.POSSIBLE;
        Optional<Instant> first = proofs.list().stream().map(Proof::at).min(Instant::compareTo);
        return new AgentLife(ends, code, status, name, result, gaveUp, certainty, first, proofs.list());
    }

    private static boolean restarting(Optional<Words> unit) {
        return unit.map(words -> words.value("SubState").startsWith("auto-restart"))
                .orElse(false);
    }

    /** ExecMainCode= is a number, CLD_EXITED and so on of sigaction(2); 0 as long as the process runs. */
    private static String code(Words unit) {
        return switch (unit.value("ExecMainCode")) {
            case "1", "exited" -> "exited";
            case "2", "killed" -> "killed";
            case "3", "dumped" -> "dumped";
            default -> "";
        };
    }

    /** It was ended by a signal. */
    boolean signalled() {
        return code.equals("killed") || code.equals("dumped");
    }

    /** The step of starting it that failed; empty when its program ran. */
    String step() {
        return code.equals("exited") ? ExitStatus.step(status) : "";
    }

    /** It has ended, or systemd could not start it. */
    boolean troubled() {
        return ends > 0 || gaveUp;
    }

    /** Something that no further start of it mends: DOOMED by itself, PROVEN when systemd has given it up. */
    Certainty lasting() {
        return gaveUp ? Certainty.PROVEN : troubled() ? Certainty.DOOMED : Certainty.POSSIBLE;
    }

    /** For people: "it exited with 3". */
    String ending() {
        if (code.equals("exited")) {
            return "exited with " + status + (name.isEmpty() || name.equals("n/a") ? "" : " (" + name + ")");
        }
        if (signalled()) {
            return "was ended by signal " + status + (name.isEmpty() ? "" : " (SIG" + name + ")");
        }
        return result.isEmpty() ? "ended" : "ended with the result '" + result + "'";
    }
}
