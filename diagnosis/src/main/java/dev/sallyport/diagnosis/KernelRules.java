package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kernel's own words: panics by their reason, oopses, and tasks that stand still. */
final class KernelRules {
    static final List<Rule> ALL =
            List.of(KernelRules::panic, KernelRules::noInit, KernelRules::oops, KernelRules::stall);

    private static final Pattern KILLED_INIT =
            Pattern.compile("Attempted to kill init!? ?(?:exitcode=0x([0-9a-fA-F]{1,8}))?");

    private KernelRules() {}

    private static void panic(Seen seen, Consumer<Finding> found) {
        Optional<Mark> panic = seen.story().first(Sign.PANIC);
        if (panic.isEmpty()) {
            return;
        }
        Story story = seen.story();
        String text = panic.get().word(1).strip();
        List<Mark> noInit = story.of(Sign.NO_INIT);
        Matcher killed = KILLED_INIT.matcher(text);
        boolean killedInit = killed.find();
        List<Mark> unpacking = story.of(Sign.UNPACKING);
        boolean noRoot = text.contains("Unable to mount root");
        if ((noRoot || !noInit.isEmpty())
                && unpacking.stream().anyMatch(mark -> mark.word(1).contains("write error"))) {
            found.accept(new Finding(
                    CauseCode.OUT_OF_MEMORY,
                    Certainty.PROVEN,
                    Finding.THING,
                    "The kernel had no memory to unpack its initramfs into.",
                    Proofs.of(unpacking.getFirst()).marks(List.of(panic.get()))));
        }
        if (noRoot) {
            found.accept(root(story, panic.get()));
            return;
        }
        if (text.matches("(?i).*(?:out of memory|deadlocked on memory|no killable processes).*")) {
            found.accept(new Finding(
                    CauseCode.OUT_OF_MEMORY,
                    Certainty.PROVEN,
                    Finding.THING,
                    "The kernel ran out of memory and gave up: " + text,
                    Proofs.of(panic.get()).marks(story.of(Sign.OOM_KILL))));
            return;
        }
        if (text.matches(".*(?:No working init found|Requested init|No init found).*")
                || (killedInit && !noInit.isEmpty())) {
            found.accept(new Finding(
                    CauseCode.INIT_MISSING,
                    Certainty.PROVEN,
                    Finding.THING,
                    "The kernel found no init that it could start"
                            + after(noInit.isEmpty() ? text : noInit.getFirst().word(1)),
                    Proofs.none().marks(noInit).marks(List.of(panic.get()))));
            return;
        }
        if (killedInit) {
            found.accept(killed(story, panic.get(), killed.group(1)));
            return;
        }
        found.accept(new Finding(
                CauseCode.KERNEL_PANIC,
                Certainty.PROVEN,
                Finding.EVENT,
                text.isEmpty() ? "The kernel panicked." : "The kernel panicked: " + text,
                Proofs.of(panic.get()).marks(story.of(Sign.OOPS)).marks(story.of(Sign.FS_ERROR))));
    }

    private static Finding root(Story story, Mark panic) {
        List<Mark> why = story.of(Sign.ROOT_NOT_OPENED);
        Optional<Mark> unpacking = story.first(Sign.UNPACKING);
        boolean noDisk = !story.has(Sign.DISK_SEEN) && story.has(Sign.NO_PARTITIONS) && unpacking.isEmpty();
        String device = panic.word(1).replaceAll(".* on ", "");
        var proofs =
                Proofs.of(panic).marks(why).marks(unpacking.stream().toList()).marks(story.of(Sign.NO_PARTITIONS));
        return noDisk
                ? new Finding(
                        CauseCode.DISK_DRIVER_MISSING,
                        Certainty.PROVEN,
                        Finding.THING,
                        "The kernel saw no disk at all, and so no root file system (" + device + ").",
                        proofs)
                : new Finding(
                        CauseCode.ROOT_MISSING,
                        Certainty.PROVEN,
                        Finding.THING,
                        unpacking.isPresent()
                                ? "The kernel could not unpack its initramfs ("
                                        + unpacking.get().word(1) + ") and found no other root file system."
                                : "The kernel could not mount its root file system on " + device + ".",
                        proofs);
    }

    /** PID 1 ended: its wait status is in the panic, as wait(2) has it. */
    private static Finding killed(Story story, Mark panic, String hexadecimal) {
        int status = hexadecimal == null ? 0 : (int) Long.parseLong(hexadecimal, 16);
        int signal = status & 0x7f;
        String how = hexadecimal == null
                ? "ended"
                : signal == 0
                        ? "exited with " + (status >> 8 & 0xff)
                        : "was ended by signal " + signal
                                + (Signals.name(signal).isEmpty() ? "" : " (SIG" + Signals.name(signal) + ")");
        List<Mark> library = story.of(Sign.NO_LIBRARY);
        if (!library.isEmpty() && signal == 0) {
            return new Finding(
                    CauseCode.INIT_MISSING,
                    Certainty.PROVEN,
                    Finding.THING,
                    "The image's init could not run: " + Programs.library(library.getFirst()),
                    Proofs.none().marks(library).marks(List.of(panic)));
        }
        return new Finding(
                CauseCode.KERNEL_PANIC,
                Certainty.PROVEN,
                Finding.EVENT,
                "The machine's init (PID 1) " + how + ", so its kernel panicked.",
                Proofs.of(panic)
                        .marks(story.of(Sign.FREEZE))
                        .marks(story.of(Sign.OOPS))
                        .lines(story.lines().reversed()));
    }

    private static void noInit(Seen seen, Consumer<Finding> found) {
        List<Mark> noInit = seen.story().of(Sign.NO_INIT);
        if (noInit.isEmpty() || seen.story().has(Sign.PANIC)) {
            return;
        }
        // The kernel itself tries other names after the first.
        boolean tries = noInit.stream().allMatch(mark -> mark.word(1).matches("(?:Starting init|Failed to execute).*"));
        found.accept(new Finding(
                CauseCode.INIT_MISSING,
                tries ? Certainty.POSSIBLE : Certainty.DOOMED,
                tries ? Finding.BARE : Finding.THING,
                "The kernel found no init that it could start"
                        + after(noInit.getFirst().word(1)),
                Proofs.none().marks(noInit)));
    }

    private static void oops(Seen seen, Consumer<Finding> found) {
        List<Mark> oops = seen.story().of(Sign.OOPS);
        if (oops.isEmpty() || seen.story().has(Sign.PANIC)) {
            return;
        }
        boolean still = seen.idle().isPresent() || seen.exit().isPresent();
        found.accept(new Finding(
                CauseCode.KERNEL_PANIC,
                still ? Certainty.DOOMED : Certainty.POSSIBLE,
                still ? Finding.EVENT : Finding.HINT,
                "The machine's kernel met an error of its own"
                        + after(oops.getFirst().word(1)),
                Proofs.none().marks(oops)));
    }

    private static void stall(Seen seen, Consumer<Finding> found) {
        List<Mark> stalls = seen.story().of(Sign.STALL);
        List<Mark> hung = seen.story().of(Sign.HUNG_TASK);
        if (!stalls.isEmpty() || !hung.isEmpty()) {
            found.accept(new Finding(
                    CauseCode.GUEST_FROZEN,
                    Certainty.POSSIBLE,
                    Finding.HINT,
                    hung.isEmpty()
                            ? "The machine's processor was stuck"
                                    + after(stalls.getFirst().word(1))
                            : "The process " + hung.getFirst().word(1) + " was blocked in the kernel for more than "
                                    + hung.getFirst().word(2) + " s.",
                    Proofs.none().marks(hung).marks(stalls)));
        }
    }

    private static String after(String text) {
        String bare = text.strip();
        return bare.isEmpty() ? "." : ": " + (bare.endsWith(".") ? bare : bare + ".");
    }
}
