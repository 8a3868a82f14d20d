package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** systemd as a whole: emergency mode, no target to reach, and a PID 1 that has stopped. */
final class BootRules {
    static final List<Rule> ALL = List.of(BootRules::emergency, BootRules::noTarget, BootRules::frozen);

    private BootRules() {}

    private static void emergency(Seen seen, Consumer<Finding> found) {
        List<Mark> signs = seen.story().of(Sign.EMERGENCY);
        boolean told = seen.words().reason().equals("emergency");
        if (signs.isEmpty() && !told) {
            return;
        }
        List<Mark> why = failures(seen.story());
        List<Words> failed = seen.words().all("unit").stream()
                .filter(unit -> unit.value("ActiveState").equals("failed"))
                .toList();
        String unit = !why.isEmpty()
                ? why.getFirst().word(1)
                : failed.isEmpty() ? "" : failed.getFirst().field(0);
        found.accept(new Finding(
                CauseCode.EMERGENCY_MODE,
                why.isEmpty() && failed.isEmpty() ? Certainty.DOOMED : Certainty.PROVEN,
                Finding.KIND + 10,
                unit.isEmpty()
                        ? "The boot ended in emergency mode."
                        : "The boot ended in emergency mode, because " + unit
                                + (device(why) ? " did not appear." : " failed."),
                Proofs.none()
                        .marks(signs.stream().limit(2).toList())
                        .marks(why)
                        .words(failed)
                        .lines(seen.words().begin().stream().toList())));
    }

    private static boolean device(List<Mark> why) {
        return !why.isEmpty() && why.getFirst().sign() == Sign.DEVICE_TIMED_OUT;
    }

    /** Units of others that failed, what comes first in the chain first. */
    static List<Mark> failures(Story story) {
        var failures = new ArrayList<Mark>();
        for (Sign sign : List.of(
                Sign.DEVICE_TIMED_OUT,
                Sign.MOUNT_TARGET_FAILED,
                Sign.START_FAILED,
                Sign.JOB_TIMED_OUT,
                Sign.RESULT,
                Sign.DEPENDENCY_FAILED)) {
            failures.addAll(story.others(sign));
        }
        return failures;
    }

    private static void noTarget(Seen seen, Consumer<Finding> found) {
        List<Mark> signs = seen.story().of(Sign.NO_DEFAULT_TARGET);
        if (signs.isEmpty()) {
            return;
        }
        boolean frozen = seen.story().has(Sign.FREEZE) || seen.story().has(Sign.EMERGENCY);
        found.accept(new Finding(
                CauseCode.DEFAULT_TARGET_MISSING,
                frozen ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.THING,
                "systemd could not reach a default target: "
                        + signs.getFirst().word(1).replaceAll("\\.$", "") + ".",
                Proofs.none().marks(signs).marks(seen.story().of(Sign.FREEZE))));
    }

    private static void frozen(Seen seen, Consumer<Finding> found) {
        List<Mark> signs = seen.story().of(Sign.FREEZE);
        if (signs.isEmpty()) {
            return;
        }
        boolean sure = signs.stream().anyMatch(mark -> mark.word(1).startsWith("Freezing"));
        found.accept(new Finding(
                CauseCode.INIT_FAILED,
                sure ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.EVENT,
                "systemd stopped for good: " + signs.getFirst().word(1).replaceAll("\\.$", "") + ".",
                Proofs.none().marks(signs).lines(seen.story().lines().reversed())));
    }
}
