package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** A program that began and did not get to its own first line: dynamic loaders (glibc, musl), shells and env(1) say why. */
final class LoaderRules {
    static final List<Rule> ALL =
            List.of(LoaderRules::library, LoaderRules::version, LoaderRules::format, LoaderRules::interpreter);

    /** Shells and env(1) end so when there is no such command; POSIX.1-2017, 2.8.2. */
    private static final int NOT_FOUND = 127;

    private LoaderRules() {}

    private static void library(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        List<Mark> said = seen.story().said(Sign.NO_LIBRARY, life.firstEnd());
        if (said.isEmpty()) {
            return;
        }
        Mark first = said.getFirst();
        String why = first.word(3) + first.word(5);
        boolean otherMachine = why.toLowerCase(Locale.ROOT).contains("wrong elf class");
        found.accept(new Finding(
                otherMachine
                        ? CauseCode.ARCHITECTURE_WRONG
                        : Programs.unreadable(why) ? CauseCode.LAYER_CORRUPT : CauseCode.LIBRARY_MISSING,
                certainty(life),
                Finding.THING,
                "The agent's program cannot run: " + Programs.library(first),
                Proofs.none().marks(said).lines(life.proofs())));
    }

    private static void version(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        List<Mark> versions = seen.story().said(Sign.NO_VERSION, life.firstEnd());
        List<Mark> symbols = seen.story().said(Sign.NO_SYMBOL, life.firstEnd());
        if (!versions.isEmpty()) {
            Mark first = versions.getFirst();
            found.accept(new Finding(
                    CauseCode.SYMBOL_VERSION_MISSING,
                    certainty(life),
                    Finding.THING + 2,
                    first.word(4) + " needs the version " + first.word(3) + " of " + first.word(2)
                            + ", which the image's is too old for.",
                    Proofs.none().marks(versions).lines(life.proofs())));
        } else if (!symbols.isEmpty()) {
            Mark first = symbols.getFirst();
            String program = first.word(1).isEmpty() ? first.word(3) : first.word(1);
            String symbol = first.word(2).isEmpty() ? first.word(4) : first.word(2);
            found.accept(new Finding(
                    CauseCode.SYMBOL_VERSION_MISSING,
                    certainty(life),
                    Finding.THING,
                    program + " needs the symbol " + symbol + ", which no library of the image has.",
                    Proofs.none().marks(symbols).lines(life.proofs())));
        }
    }

    private static void format(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        List<Mark> said = seen.story().said(Sign.FORMAT, life.firstEnd()).stream()
                .filter(mark -> !mark.proof().line().contains("Failed at step")
                        && !mark.proof().line().contains("Failed to execute"))
                .toList();
        if (!said.isEmpty()) {
            boolean binary = said.stream().anyMatch(mark -> mark.proof().line().contains("binary file"));
            found.accept(new Finding(
                    binary ? CauseCode.ARCHITECTURE_WRONG : CauseCode.EXEC_FORMAT,
                    certainty(life),
                    Finding.KIND + 5,
                    "The kernel does not execute " + said.getFirst().word(1)
                            + (binary ? ": it is a program, but not for this machine." : ": Exec format error."),
                    Proofs.none().marks(said).lines(life.proofs())));
        }
    }

    private static void interpreter(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        var said = new ArrayList<Mark>(seen.story().said(Sign.NOT_THERE, life.firstEnd()));
        if (said.isEmpty()
                || !life.troubled()
                || (!life.code().isEmpty() && life.status() != NOT_FOUND && life.status() != 126)) {
            return;
        }
        Mark first = said.getFirst();
        boolean named = !first.word(1).isEmpty();
        found.accept(new Finding(
                CauseCode.INTERPRETER_MISSING,
                life.lasting(),
                Finding.THING,
                named
                        ? "The agent's program begins with " + first.word(1) + ", which is not in the image."
                        : "The interpreter of " + first.word(2) + " is not in the image.",
                Proofs.none().marks(said).lines(life.proofs())));
    }

    /** Such words and an end prove it; without the end they may be of something that the agent started. */
    private static Certainty certainty(AgentLife life) {
        return life.troubled() ? Certainty.PROVEN : Certainty.DOOMED;
    }
}
