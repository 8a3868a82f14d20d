package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** From systemd's fork to the program's first instruction: the steps of systemd.exec(5), and what execve(2) says of the program. */
final class ExecRules {
    static final List<Rule> ALL =
            List.of(ExecRules::environment, ExecRules::step, ExecRules::program, ExecRules::resources);

    private ExecRules() {}

    private static void environment(Seen seen, Consumer<Finding> found) {
        List<Mark> marks = seen.story().agent(Sign.NO_ENVIRONMENT);
        if (marks.isEmpty()) {
            return;
        }
        String why = marks.getFirst().word(2).strip();
        boolean absent = why.isEmpty() || Programs.absent(why);
        found.accept(new Finding(
                absent ? CauseCode.UNIT_ENVIRONMENT_MISSING : CauseCode.UNIT_SETUP_FAILED,
                Certainty.PROVEN,
                Finding.THING,
                "systemd could not read an EnvironmentFile= of " + seen.unit()
                        + (why.isEmpty() ? "." : ": " + why + "."),
                Proofs.none()
                        .marks(marks)
                        .marks(seen.story().agent(Sign.NO_RUN))
                        .marks(seen.story().agent(Sign.RESULT))));
    }

    /** Every step but the last. */
    private static void step(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        List<Mark> steps = attributed(seen, Sign.STEP_FAILED);
        String step =
                life.step().isEmpty() && !steps.isEmpty() ? steps.getLast().word(2) : life.step();
        if (step.isEmpty() || step.equals("EXEC")) {
            return;
        }
        var words = new ArrayList<Mark>();
        words.addAll(attributed(seen, Sign.NO_DIRECTORY));
        words.addAll(attributed(seen, Sign.NO_USER));
        words.addAll(attributed(seen, Sign.NO_NAMESPACE));
        String why = !steps.isEmpty()
                ? steps.getLast().word(4).strip()
                : words.isEmpty() ? "" : words.getLast().words().getLast().strip();
        CauseCode code = switch (step) {
            case "CHDIR" ->
                why.isEmpty() || Programs.absent(why) ? CauseCode.UNIT_DIRECTORY_MISSING : CauseCode.UNIT_SETUP_FAILED;
            case "USER", "GROUP" ->
                why.contains("not permitted") || why.contains("denied")
                        ? CauseCode.UNIT_SETUP_FAILED
                        : CauseCode.UNIT_USER_MISSING;
            default -> why.contains("No space left") ? CauseCode.WRITABLE_DISK_FULL : CauseCode.UNIT_SETUP_FAILED;
        };
        String status = life.step().isEmpty() ? step : life.status() + "/" + step;
        found.accept(new Finding(
                code,
                Certainty.PROVEN,
                Finding.THING,
                "systemd could not " + ExitStatus.doing(step) + " for " + seen.unit() + " (" + status + ")"
                        + (why.isEmpty() ? "." : ": " + why + "."),
                Proofs.none().marks(steps).marks(words).lines(life.proofs())));
    }

    /** Marks of the agent's unit, and those that the console cut the unit off, once the agent has ended. */
    private static List<Mark> attributed(Seen seen, Sign sign) {
        List<Mark> own = seen.story().agent(sign);
        if (!own.isEmpty() || !seen.life().troubled()) {
            return own;
        }
        return seen.story().of(sign).stream()
                .filter(mark -> mark.word(1).isEmpty())
                .toList();
    }

    /** The last step: what the kernel said of ExecStart='s file. */
    private static void program(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        List<Mark> steps = attributed(seen, Sign.STEP_FAILED).stream()
                .filter(mark -> mark.word(2).equals("EXEC"))
                .toList();
        List<Mark> located = attributed(seen, Sign.NOT_LOCATED);
        List<Mark> executed = attributed(seen, Sign.NOT_EXECUTED);
        boolean failed = life.step().equals("EXEC");
        if (!failed && steps.isEmpty() && located.isEmpty() && executed.isEmpty()) {
            return;
        }
        Optional<Words> file = seen.words().all("exec").stream()
                .filter(words -> !words.is(1, "ok"))
                .findFirst()
                .or(() -> seen.words().all("exec").stream().findFirst());
        Optional<Words> interpreter = seen.words().all("interpreter").stream()
                .filter(words -> !words.is(1, "ok"))
                .findFirst()
                .or(() -> seen.words().all("interpreter").stream().findFirst());
        String path = file.map(words -> words.field(0))
                .or(() -> steps.stream().map(mark -> mark.word(3)).findFirst())
                .or(() -> located.stream().map(mark -> mark.word(2)).findFirst())
                .or(() -> executed.stream()
                        .map(mark -> mark.word(2))
                        .filter(p -> p.contains("/"))
                        .findFirst())
                .orElse("");
        String why = !located.isEmpty()
                ? located.getFirst().word(3)
                : !executed.isEmpty()
                        ? executed.getFirst().word(3)
                        : steps.isEmpty() ? "" : steps.getFirst().word(4);
        var proofs = Proofs.none();
        file.filter(words -> !words.is(1, "ok")).ifPresent(words -> proofs.add(words.proof()));
        proofs.word(interpreter)
                .marks(located)
                .marks(executed)
                .marks(steps)
                .word(file)
                .lines(life.proofs());
        found.accept(
                program(seen, path, why.strip(), file, interpreter, !located.isEmpty(), !executed.isEmpty(), proofs));
    }

    private static Finding program(
            Seen seen,
            String path,
            String why,
            Optional<Words> file,
            Optional<Words> interpreter,
            boolean notLocated,
            boolean notExecuted,
            Proofs proofs) {
        String begin = "systemd could not start " + (path.isEmpty() ? "the program of " + seen.unit() : path) + ": ";
        String reader = interpreter.map(words -> words.field(0)).orElse("");
        boolean loader = Programs.loader(reader);
        String foreign = Programs.architecture(reader);
        if (file.isPresent() && file.get().is(1, "missing")) {
            return proven(CauseCode.EXEC_MISSING, begin + "the file is not in the image.", proofs);
        }
        if (file.isPresent() && file.get().is(1, "not-executable")) {
            return proven(CauseCode.EXEC_NOT_EXECUTABLE, begin + "the file is not executable.", proofs);
        }
        if (interpreter.isPresent() && interpreter.get().is(1, "missing")) {
            if (!foreign.isEmpty() && !foreign.equals("x86-64") && why.contains("Exec format")) {
                return proven(
                        CauseCode.ARCHITECTURE_WRONG,
                        begin + "it is a program for " + foreign + ", as its loader " + reader + " shows.",
                        proofs);
            }
            return loader
                    ? proven(
                            CauseCode.LOADER_MISSING,
                            begin + "its dynamic loader " + reader + " is not in the image.",
                            proofs)
                    : proven(
                            CauseCode.INTERPRETER_MISSING,
                            begin + "the interpreter " + reader + " of its first line is not in the image.",
                            proofs);
        }
        if (interpreter.isPresent() && interpreter.get().is(1, "not-executable")) {
            return proven(
                    CauseCode.EXEC_NOT_EXECUTABLE, begin + "its interpreter " + reader + " is not executable.", proofs);
        }
        if (Programs.unreadable(why)) {
            return proven(CauseCode.LAYER_CORRUPT, begin + "the file cannot be read (" + why + ").", proofs);
        }
        if (why.contains("Exec format error")) {
            // A script with a '#!' line that cannot be run fails otherwise: with a readable loader it is an ELF file.
            return loader
                    ? proven(
                            CauseCode.ARCHITECTURE_WRONG,
                            begin + "it is a program for another architecture"
                                    + (foreign.isEmpty() || foreign.equals("x86-64") ? "." : " (" + foreign + ")."),
                            proofs)
                    : proven(CauseCode.EXEC_FORMAT, begin + "it is of no form that the kernel executes.", proofs);
        }
        if (why.contains("Permission denied")) {
            return proven(CauseCode.EXEC_NOT_EXECUTABLE, begin + "the kernel says 'Permission denied'.", proofs);
        }
        if (Programs.absent(why)) {
            if (!notLocated && notExecuted && executedPath(seen)) {
                // systemd 248 and later look for the file first: it is there, and what it needs to be read is not.
                return new Finding(
                        CauseCode.INTERPRETER_MISSING,
                        Certainty.DOOMED,
                        Finding.KIND,
                        begin + "the file is there, but its interpreter or dynamic loader is not.",
                        proofs);
            }
            return new Finding(
                    CauseCode.EXEC_MISSING,
                    notLocated ? Certainty.PROVEN : Certainty.DOOMED,
                    notLocated ? Finding.THING : Finding.KIND - 5,
                    begin + "the file" + (notLocated ? "" : ", or the interpreter that it needs,")
                            + " is not in the image.",
                    proofs);
        }
        if (!why.isEmpty()) {
            return proven(CauseCode.UNIT_SETUP_FAILED, begin + why + ".", proofs);
        }
        // 203/EXEC without a word why: most often the file is not there.
        return new Finding(
                file.isPresent() ? CauseCode.EXEC_FORMAT : CauseCode.EXEC_MISSING,
                Certainty.DOOMED,
                Finding.KIND - 10,
                file.isPresent()
                        ? begin + "the file is there and executable, and the kernel does not execute it."
                        : begin + "it could not be executed (203/EXEC).",
                proofs);
    }

    /** Older systemd says `Failed to execute command`, without having looked for the file. */
    private static boolean executedPath(Seen seen) {
        return attributed(seen, Sign.NOT_EXECUTED).stream()
                .anyMatch(mark -> mark.word(2).startsWith("/"));
    }

    private static Finding proven(CauseCode code, String detail, Proofs proofs) {
        return new Finding(code, Certainty.PROVEN, Finding.THING, detail, proofs);
    }

    /** systemd lacked something before it forked. */
    private static void resources(Seen seen, Consumer<Finding> found) {
        List<Mark> noRun = seen.story().agent(Sign.NO_RUN);
        AgentLife life = seen.life();
        if (noRun.isEmpty() && !life.result().equals("resources")) {
            return;
        }
        found.accept(new Finding(
                CauseCode.UNIT_SETUP_FAILED,
                life.gaveUp() ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.EVENT,
                noRun.isEmpty()
                        ? "systemd lacked something that " + seen.unit() + " asks for (result 'resources')."
                        : "systemd could not run the '" + noRun.getFirst().word(2) + "' task of " + seen.unit() + ": "
                                + noRun.getFirst().word(3).strip() + ".",
                Proofs.none().marks(noRun).lines(life.proofs())));
    }
}
