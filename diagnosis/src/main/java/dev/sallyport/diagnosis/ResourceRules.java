package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** What a machine can run out of, or have wrong: memory, room on its disk, readable layers, the time. */
final class ResourceRules {
    static final List<Rule> ALL = List.of(
            ResourceRules::memory,
            ResourceRules::lowMemory,
            ResourceRules::disk,
            ResourceRules::layer,
            ResourceRules::clock);

    /** The kernel that has to kill so often does not get by. */
    private static final int TOO_MANY_KILLS = 5;

    private static final long FULL_PERCENT = 99;
    private static final Duration FAR_OFF = Duration.ofMinutes(5);

    private ResourceRules() {}

    /** The OOM killer: one process of many, or the agent's. */
    private static void memory(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        AgentLife life = seen.life();
        List<Mark> kills = story.of(Sign.OOM_KILL);
        List<Mark> unit = story.agent(Sign.OOM_IN_UNIT);
        List<Mark> words = story.said(Sign.PROGRAM_OOM, life.firstEnd());
        boolean oomResult = life.result().equals("oom-kill");
        List<Mark> shortly = life.firstEnd()
                .map(end -> kills.stream()
                        .filter(kill -> !kill.proof().at().isBefore(end.minusSeconds(5))
                                && !kill.proof().at().isAfter(end.plusSeconds(2)))
                        .toList())
                .orElse(List.of());
        boolean killed = life.code().equals("killed") && life.status() == Signals.KILL && !shortly.isEmpty();
        var proofs = Proofs.none()
                .marks(killed ? shortly : kills.reversed())
                .marks(unit)
                .marks(words)
                .lines(life.proofs());
        if (oomResult || !unit.isEmpty() || killed) {
            String victim = kills.isEmpty() ? "" : " (" + kills.getLast().word(2) + ")";
            found.accept(new Finding(
                    CauseCode.OUT_OF_MEMORY,
                    killed || oomResult ? Certainty.PROVEN : Certainty.DOOMED,
                    Finding.THING,
                    "The kernel killed the agent's process" + victim + " because the machine had no memory left.",
                    proofs));
        } else if (!words.isEmpty() && life.troubled()) {
            found.accept(new Finding(
                    CauseCode.OUT_OF_MEMORY,
                    life.lasting(),
                    Finding.KIND + 5,
                    "The agent ended for want of memory: "
                            + words.getFirst().word(1).strip(),
                    proofs));
        } else if (!kills.isEmpty()) {
            boolean many = story.count(Sign.OOM_KILL) >= TOO_MANY_KILLS;
            found.accept(new Finding(
                    CauseCode.OUT_OF_MEMORY,
                    many ? Certainty.DOOMED : Certainty.POSSIBLE,
                    many ? Finding.KIND : Finding.BARE + 5,
                    "The kernel killed " + kills.getLast().word(2) + (many ? " and others," : "")
                            + " because the machine had no memory left.",
                    proofs));
        }
    }

    /** Next to nothing is free in the last words of an agent that was killed or does not get on. */
    private static void lowMemory(Seen seen, Consumer<Finding> found) {
        Optional<Words> memory = seen.words().all("memory").stream().findFirst();
        if (memory.isEmpty() || memory.get().number(0) < 0 || memory.get().number(1) <= 0) {
            return;
        }
        long free = memory.get().number(0);
        AgentLife life = seen.life();
        if (free * 50 >= memory.get().number(1)) {
            return;
        }
        boolean killed = life.signalled() && life.status() == Signals.KILL;
        found.accept(new Finding(
                CauseCode.OUT_OF_MEMORY,
                killed ? life.lasting() : Certainty.POSSIBLE,
                Finding.KIND,
                "Of the machine's " + memory.get().number(1) / 1024 + " MiB of memory " + free / 1024
                        + " MiB are left.",
                Proofs.none().word(memory).lines(life.proofs())));
    }

    private static void disk(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        List<Mark> said = seen.story().said(Sign.NO_SPACE, life.firstEnd());
        List<Mark> all = seen.story().of(Sign.NO_SPACE);
        Optional<Words> full = seen.words().all("disk").stream()
                .filter(disk -> disk.field(0).equals("/") && disk.number(1) >= FULL_PERCENT)
                .findFirst();
        if (all.isEmpty() && said.isEmpty() && full.isEmpty()) {
            return;
        }
        boolean agents = !said.isEmpty() && life.troubled();
        String where = full.map(disk -> "The machine's disk is full: " + disk.field(1) + " % of / are used, "
                        + Math.max(0, disk.number(2)) + " KiB are free.")
                .orElse("The machine's disk is full.");
        found.accept(new Finding(
                CauseCode.WRITABLE_DISK_FULL,
                full.isPresent() ? Certainty.PROVEN : agents ? life.lasting() : Certainty.POSSIBLE,
                full.isPresent() || agents ? Finding.THING : Finding.BARE + 5,
                where,
                Proofs.none().word(full).marks(said).marks(all).lines(agents ? life.proofs() : List.of())));
    }

    /** Errors of reading: harmless where nobody needs the block, the cause where the agent ended on it or the boot stands. */
    private static void layer(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        var errors = new ArrayList<Mark>(story.of(Sign.FS_ERROR));
        List<Mark> blocks = story.of(Sign.IO_ERROR);
        if ((errors.isEmpty() && blocks.isEmpty()) || story.has(Sign.FATAL)) {
            return;
        }
        AgentLife life = seen.life();
        boolean sure = story.has(Sign.PANIC)
                || story.has(Sign.EMERGENCY)
                || (life.signalled() && life.status() == Signals.BUS)
                || life.step().equals("EXEC")
                || story.agentsLast(life.firstEnd()).stream().anyMatch(line -> Programs.unreadable(line.line()));
        boolean stands = seen.idle().isPresent() || seen.exit().isPresent() || life.troubled();
        String what = errors.isEmpty()
                ? "the disk " + blocks.getFirst().word(1)
                : errors.getFirst().word(1).strip();
        found.accept(new Finding(
                CauseCode.LAYER_CORRUPT,
                sure ? Certainty.PROVEN : stands ? Certainty.DOOMED : Certainty.POSSIBLE,
                sure ? Finding.THING + 5 : stands ? Finding.KIND : Finding.BARE + 5,
                errors.isEmpty()
                        ? "The kernel could not read " + what + "."
                        : "The kernel could not read a file system: " + what.replaceAll("\\.$", "") + ".",
                Proofs.none()
                        .marks(errors)
                        .marks(blocks)
                        .marks(story.of(Sign.PANIC))
                        .lines(stands ? life.proofs() : List.of())));
    }

    private static void clock(Seen seen, Consumer<Finding> found) {
        Optional<Words> clock = seen.words().all("clock").stream().findFirst();
        long seconds = clock.map(words -> words.number(0)).orElse(-1L);
        if (clock.isEmpty() || seconds < 0 || seconds > 100_000_000_000L) {
            return;
        }
        Duration off = Duration.between(clock.get().proof().at(), Instant.ofEpochSecond(seconds));
        if (off.abs().compareTo(FAR_OFF) < 0) {
            return;
        }
        List<Proof> dates = seen.story().agentsLast(seen.life().firstEnd()).stream()
                .filter(line -> line.line()
                        .matches("(?i).*(?:not yet valid|NotBefore|NotAfter|certificate.{0,40}expired|clock).*"))
                .toList();
        found.accept(new Finding(
                CauseCode.CLOCK_WRONG,
                dates.isEmpty() ? Certainty.POSSIBLE : Certainty.PROVEN,
                dates.isEmpty() ? Finding.EVENT - 5 : Finding.KIND + 5,
                "The machine's clock says " + Instant.ofEpochSecond(seconds) + ", "
                        + off.abs().toSeconds() + " s " + (off.isNegative() ? "behind" : "ahead of") + " the host's.",
                Proofs.none().word(clock).lines(dates)));
    }
}
