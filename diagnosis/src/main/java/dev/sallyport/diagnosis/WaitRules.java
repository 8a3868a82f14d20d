package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the agent's unit waits for, and what failed before it could be started. */
final class WaitRules {
    static final List<Rule> ALL =
            List.of(WaitRules::queue, WaitRules::counting, WaitRules::dependency, WaitRules::needed);

    /** Devices appear as their drivers load; one that has not come for so long is not there. */
    private static final Duration DEVICES_COME_IN = Duration.ofSeconds(20);

    private static final Pattern SPAN = Pattern.compile("(\\d+)\\s*(h|min|s|ms)(?![a-z])");

    private WaitRules() {}

    /** Whether the last words have a job of the agent's unit that waits for its turn. */
    static boolean queued(Seen seen) {
        return seen.words().about("job", seen.unit()).isPresent();
    }

    /** systemd's queue in the last words: what runs in it and keeps the agent's job waiting. */
    private static void queue(Seen seen, Consumer<Finding> found) {
        Optional<Words> own = seen.words().about("job", seen.unit());
        if (own.isEmpty() || own.get().is(2, "running")) {
            return;
        }
        List<Words> running = seen.words().all("job").stream()
                .filter(job -> job.is(2, "running") && !job.field(0).equals(seen.unit()))
                .toList();
        List<Words> after = seen.words().all("after");
        List<Words> direct = after.stream()
                .filter(unit -> running.stream().anyMatch(job -> job.field(0).equals(unit.field(0))))
                .toList();
        List<Words> jobs = direct.isEmpty() ? running : direct;
        Optional<Words> device =
                jobs.stream().filter(job -> Names.device(job.field(0))).findFirst();
        boolean onlyDevices = !jobs.isEmpty() && jobs.stream().allMatch(job -> Names.device(job.field(0)));
        String through = after.isEmpty() || !direct.isEmpty()
                ? ""
                : " (through " + after.getFirst().field(0) + ")";
        var proofs = Proofs.none()
                .word(own)
                .words(direct)
                .words(running)
                .words(after)
                .word(seen.unitWords());
        if (device.isPresent() && (onlyDevices || !direct.isEmpty())) {
            found.accept(new Finding(
                    CauseCode.UNIT_WAITS_FOR_DEVICE,
                    Certainty.PROVEN,
                    Finding.THING,
                    seen.unit() + " waits for " + device.get().field(0) + through + ", which has not appeared.",
                    proofs));
            return;
        }
        if (jobs.isEmpty() && after.isEmpty()) {
            return;
        }
        String what = direct.isEmpty() && !after.isEmpty()
                ? after.getFirst().field(0)
                : jobs.getFirst().field(0);
        String by = !jobs.isEmpty() && !what.equals(jobs.getFirst().field(0))
                ? "; " + jobs.getFirst().field(0) + " is still being started"
                : "";
        found.accept(new Finding(
                CauseCode.UNIT_WAITS_FOR_TARGET,
                Certainty.PROVEN,
                Finding.THING - 5,
                seen.unit() + " waits for " + what + ", which does not come up" + by + ".",
                proofs));
    }

    /** systemd's counting on the console: `A start job is running for …`. */
    private static void counting(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        if (!story.agent(Sign.STARTED).isEmpty()) {
            return;
        }
        var jobs = new ArrayList<>(story.of(Sign.JOB_RUNS));
        jobs.addAll(story.of(Sign.JOB_RUNS_NAMED));
        if (jobs.isEmpty()) {
            return;
        }
        Mark last = jobs.stream()
                .filter(mark ->
                        device(mark.word(1)) && finished(story, mark.word(1)).isEmpty())
                .reduce((first, second) -> second)
                .orElse(jobs.getLast());
        String what = last.word(1);
        if (story.names().agent(what) || finished(story, what).isPresent()) {
            return; // Its own job is what AgentRules judge.
        }
        boolean device = device(what);
        boolean long_ = device && span(last.word(2)).compareTo(DEVICES_COME_IN) >= 0;
        var proofs = Proofs.of(last).marks(jobs.reversed());
        seen.idle().ifPresent(proofs::seen);
        found.accept(new Finding(
                device ? CauseCode.UNIT_WAITS_FOR_DEVICE : CauseCode.UNIT_WAITS_FOR_TARGET,
                seen.idle().isPresent() ? Certainty.PROVEN : long_ ? Certainty.DOOMED : Certainty.POSSIBLE,
                device ? Finding.KIND : Finding.EVENT,
                device
                        ? "systemd waits for the device " + what + ", which has not appeared."
                        : "systemd waits for " + what + ", which does not come up.",
                proofs));
    }

    private static Optional<Mark> finished(Story story, String unit) {
        for (Sign sign : List.of(Sign.STARTED, Sign.REACHED, Sign.START_FAILED, Sign.DEVICE_TIMED_OUT)) {
            Optional<Mark> mark =
                    story.of(sign).stream().filter(m -> m.word(1).equals(unit)).findFirst();
            if (mark.isPresent()) {
                return mark;
            }
        }
        return Optional.empty();
    }

    /** Long names are cut in their middle. */
    private static boolean device(String name) {
        return Names.device(name) || name.matches(".*(?:…|\\.\\.\\.)\\S*\\.?device") || name.startsWith("dev-");
    }

    /** A span of time as systemd.time(7) writes it. */
    static Duration span(String text) {
        Matcher matcher = SPAN.matcher(text);
        Duration all = Duration.ZERO;
        for (int parts = 0; parts < 4 && matcher.find(); parts++) {
            String digits = matcher.group(1);
            long number = digits.length() > 6 ? 999_999 : Long.parseLong(digits);
            all = all.plus(
                    switch (matcher.group(2)) {
                        case "h" -> Duration.ofHours(number);
                        case "min" -> Duration.ofMinutes(number);
                        case "s" -> Duration.ofSeconds(number);
                        default -> Duration.ofMillis(number);
                    });
        }
        return all;
    }

    /** systemd says that it drops the agent's start because something that it needs failed. */
    private static void dependency(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        var dropped = new ArrayList<>(story.agent(Sign.DEPENDENCY_FAILED));
        dropped.addAll(story.agent(Sign.JOB_FAILED).stream()
                .filter(mark -> mark.word(2).equals("dependency"))
                .toList());
        if (dropped.isEmpty()) {
            return;
        }
        Instant until = dropped.getFirst().proof().at();
        Optional<Mark> device = last(story.of(Sign.DEVICE_TIMED_OUT), until);
        if (device.isPresent()) {
            found.accept(new Finding(
                    CauseCode.UNIT_WAITS_FOR_DEVICE,
                    Certainty.PROVEN,
                    Finding.THING,
                    seen.unit() + " needs the device " + device.get().word(1) + ", which did not appear in time.",
                    Proofs.of(device.get()).marks(dropped)));
            return;
        }
        Optional<Mark> timedOut = last(
                story.others(Sign.JOB_TIMED_OUT).stream()
                        .filter(mark -> !Names.device(mark.word(1)))
                        .toList(),
                until);
        if (timedOut.isPresent()) {
            found.accept(new Finding(
                    CauseCode.UNIT_WAITS_FOR_TARGET,
                    Certainty.PROVEN,
                    Finding.KIND,
                    seen.unit() + " needs " + timedOut.get().word(1) + ", which did not come up in time.",
                    Proofs.of(timedOut.get()).marks(dropped)));
            return;
        }
        var before = new ArrayList<Mark>();
        for (Sign sign : List.of(Sign.MOUNT_TARGET_FAILED, Sign.START_FAILED, Sign.RESULT)) {
            last(story.others(sign), until).ifPresent(before::add);
        }
        Optional<Mark> why = before.stream().findFirst();
        found.accept(new Finding(
                CauseCode.UNIT_DEPENDENCY_FAILED,
                why.isPresent() ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.KIND,
                why.map(mark -> seen.unit() + " needs " + mark.word(1) + ", which failed.")
                        .orElse("A unit that " + seen.unit() + " needs failed."),
                Proofs.none().marks(before).marks(dropped)));
    }

    private static Optional<Mark> last(List<Mark> marks, Instant until) {
        return marks.stream().filter(mark -> !mark.proof().at().isAfter(until)).reduce((first, second) -> second);
    }

    /** The last words: the agent's unit did not run, and one that it needs has failed. */
    private static void needed(Seen seen, Consumer<Finding> found) {
        Optional<Words> own = seen.unitWords()
                .filter(unit -> unit.value("ActiveState").equals("inactive")
                        || unit.value("Result").equals("dependency"));
        if (own.isEmpty() || seen.life().troubled() || queued(seen)) {
            return;
        }
        List<Words> after = seen.words().all("after").stream()
                .filter(unit -> unit.is(1, "failed"))
                .toList();
        if (!after.isEmpty()) {
            String name = after.getFirst().field(0);
            found.accept(new Finding(
                    CauseCode.UNIT_DEPENDENCY_FAILED,
                    Certainty.PROVEN,
                    Finding.KIND - 5,
                    seen.unit() + " needs " + name + ", which failed.",
                    Proofs.none()
                            .words(after)
                            .word(seen.words().about("unit", name))
                            .word(own)
                            .marks(seen.story().others(Sign.RESULT))));
        }
    }
}
