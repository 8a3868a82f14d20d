package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What every driver must do about machines that outlive the process that started them. */
abstract class AdoptionContract extends TemplateContract {
    private static final String SAY = "echo '%s' >/dev/console\n";
    private static final String ASK_DOOR =
            "proxy=$(sed -n s/^proxy=//p /run/sallyport/facts); echo hello | nc -w 10 ${proxy%:*} ${proxy#*:}\n";

    /** Does to a machine what may happen to it while nobody holds it, and looks at what must be true then. */
    protected abstract void whileNobodyHolds(MachineSpec spec) throws Exception;

    @Test
    void aMachineThatWasLeftRunsOnAndIsAdoptedAgainAndAgain() throws Exception {
        MachineSpec spec = spec(Map.of());
        var ledger = new RecordingLedger(resource -> {});
        Machine held = start(driver(), spec, ledger);
        readiness(held);
        assertThat(held.residentBytes().orElseThrow()).isBetween(32L << 20, 1L << 30);
        String handle = held.handle();
        assertThat(handle).startsWith("{").hasSizeLessThan(500);

        for (String turn : List.of("first", "second")) {
            leave(held);
            whileNobodyHolds(spec);
            ContractGuest.run(held, SAY.formatted("said before the " + turn + " adoption"));

            held = adopt(spec, turn, handle, ledger).orElseThrow();

            readiness(held);
            assertThat(held.handle()).isEqualTo(handle);
            assertThat(held.exit()).isEmpty();
            Console console = held.console();
            assertThat(console.awaitLine(line -> line.contains("said before the " + turn), END))
                    .isPresent();
            ContractGuest.run(held, SAY.formatted("said after the " + turn + " adoption"));
            assertThat(console.awaitLine(line -> line.contains("said after the " + turn), END))
                    .isPresent();
            assertThat(Files.readString(console.file(), StandardCharsets.ISO_8859_1))
                    .containsSubsequence(
                            ContractGuest.UP, "said before the " + turn + " ad", "said after the " + turn + " ad");
            assertThat(console.bytes()).isEqualTo(Files.size(console.file()));
            assertThat(ContractGuest.run(held, ASK_DOOR).strip()).isEqualTo("door " + turn);
            assertThat(held.pulse().orElseThrow().halted()).isEmpty();
            assertThat(held.residentBytes().orElseThrow()).isBetween(32L << 20, 1L << 30);
        }

        assertThat(held.destroy()).isEmpty();
        assertThat(left(spec)).isEmpty();
        assertThat(ledger.toUndo()).isEmpty();
        assertThat(held.awaitExit(END).orElseThrow().kind()).isEqualTo(MachineExit.Kind.DESTROYED);
        assertThat(held.residentBytes()).isEmpty();
        assertThat(driver().adopt(spec, handle, List.of(), ledger, (step, text, details) -> {}))
                .isEmpty();
    }

    @Test
    void aMachineThatWasLeftTellsNothing() throws Exception {
        MachineSpec spec = spec(Map.of());
        var ledger = new RecordingLedger(resource -> {});
        Machine machine = start(driver(), spec, ledger);
        readiness(machine);
        String handle = machine.handle();
        int things = ledger.toUndo().size();

        leave(machine);
        machine.leave();

        assertThat(machine.handle()).isEqualTo(handle);
        assertThat(machine.pulse()).isEmpty();
        assertThat(machine.residentBytes()).isEmpty();
        assertThat(machine.destroy()).singleElement().asString().contains("left");
        assertThat(leftOn(spec)).isNotEmpty();
        assertThat(ledger.toUndo()).hasSize(things);
        killHypervisor(spec);
        assertThat(machine.awaitExit(Duration.ofSeconds(2))).isEmpty();
        assertThat(machine.exit()).isEmpty();

        assertThat(adopt(spec, "none", handle, ledger)).isEmpty();
        assertThat(ledger.toUndo()).as("nothing is undone").hasSize(things);
        ledger.toUndo().forEach(resource -> assertThat(driver().undo(resource)).isEmpty());
    }

    @Test
    void aConsoleThatNobodyReadsLosesNothingAndIsNoHindrance() throws Exception {
        MachineSpec spec = spec(Map.of());
        var ledger = new RecordingLedger(resource -> {});
        Machine started = start(driver(), spec, ledger);
        readiness(started);
        leave(started);
        long before = started.console().bytes();
        ContractGuest.run(started, """
                (yes 'a line of twenty byte' | head -n 20000; echo after the flood) >/dev/console 2>&1 </dev/null &
                """);
        assertThat(ContractGuest.run(started, "echo here").strip()).isEqualTo("here");

        Machine adopted = adopt(spec, "again", started.handle(), ledger).orElseThrow();

        assertThat(adopted.console().awaitLine(line -> line.contains("after the flood"), Duration.ofSeconds(90)))
                .isPresent();
        // The terminal makes two bytes of each line's end.
        assertThat(adopted.console().bytes() - before).isEqualTo(20_000L * 23 + "after the flood\r\n".length());
    }

    @Test
    void theEndOfAnAdoptedMachineIsTold() throws Exception {
        assertThat(endAfterAdoption("poweroff -f").kind()).isEqualTo(MachineExit.Kind.GUEST_SHUTDOWN);
        MachineExit panic = endAfterAdoption("echo c >/proc/sysrq-trigger");
        assertThat(panic.kind()).isEqualTo(MachineExit.Kind.GUEST_PANIC);
        assertThat(panic.evidence()).anyMatch(line -> line.contains("Kernel panic"));
        MachineExit killed = endAfterAdoption("");
        assertThat(killed.kind()).isEqualTo(MachineExit.Kind.HYPERVISOR_FAILED);
        assertThat(killed.evidence()).isNotEmpty();
    }

    private MachineExit endAfterAdoption(String script) throws Exception {
        MachineSpec spec = spec(Map.of());
        var ledger = new RecordingLedger(resource -> {});
        Machine started = start(driver(), spec, ledger);
        readiness(started);
        leave(started);
        Machine adopted = adopt(spec, "again", started.handle(), ledger).orElseThrow();
        if (script.isEmpty()) {
            killHypervisor(spec);
        } else {
            ContractGuest.run(adopted, "(sleep 0.3; " + script + ") >/dev/null 2>&1 </dev/null &");
        }
        return adopted.awaitExit(END).orElseThrow();
    }

    @Test
    void whatCannotBeTakenOverRunsOn() throws Exception {
        MachineSpec spec = spec(Map.of());
        var ledger = new RecordingLedger(resource -> {});
        Machine machine = start(driver(), spec, ledger);
        readiness(machine);
        int things = ledger.toUndo().size();

        // Once more than there is room in the queue: the third is not to wait for ever.
        for (int i = 0; i < 3; i++) {
            assertThat(refused(spec, machine.handle(), ledger).reason().code())
                    .as("somebody else holds it")
                    .isEqualTo(CauseCode.HYPERVISOR_FAILED);
        }
        machines.remove(machine);
        machine.leave();
        FailureException taken = refused(spec, machine.handle(), ledger);
        assertThat(taken.reason().code())
                .as("its door is still open: %s", taken.reason())
                .isEqualTo(CauseCode.PORT_TAKEN);
        FailureException foreign = refused(spec, "{\"pid\":\"one\"}", ledger);
        assertThat(foreign.getMessage()).contains("handle");
        assertThat(ledger.toUndo()).hasSize(things);

        closeDoors();
        Machine adopted = adopt(spec, "again", machine.handle(), ledger).orElseThrow();
        readiness(adopted);
    }

    private FailureException refused(MachineSpec spec, String handle, RecordingLedger ledger) {
        try (var door = new TestDoor("refused")) {
            FailureException failure = catchThrowableOfType(
                    FailureException.class,
                    () -> driver().adopt(
                                    withEgress(spec, door),
                                    handle,
                                    ledger.toUndo().reversed(),
                                    ledger,
                                    (step, text, details) -> {}));
            assertThat(failure).isNotNull();
            return failure;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aMachineWhoseControllerIsKilledIsAdopted() throws Exception {
        MachineSpec spec = spec(Map.of());
        Path journal = folder.resolve("journal");
        Process controller = new ProcessBuilder(KilledController.command(
                        drivers().getName(), KilledController.NEVER, journal, spec, classPath()))
                .redirectError(folder.resolve("errors").toFile())
                .start();
        try (BufferedReader said = controller.inputReader()) {
            String handle = said.readLine();
            assertThat(handle).as(Files.readString(folder.resolve("errors"))).isNotNull();
            controller.destroyForcibly();
            assertThat(controller.waitFor(20, TimeUnit.SECONDS)).isTrue();
            whileNobodyHolds(spec);
            var ledger = new RecordingLedger(resource -> {});
            List<Resource> made = KilledController.notUndone(journal);

            Machine adopted = driver().adopt(withEgress(spec, door("next")), handle, made, ledger, this::step)
                    .orElseThrow();
            machines.add(adopted);

            readiness(adopted);
            assertThat(adopted.console().awaitLine(line -> line.contains(ContractGuest.UP), END))
                    .isPresent();
            assertThat(ContractGuest.run(adopted, ASK_DOOR).strip()).isEqualTo("door next");
            assertThat(adopted.destroy()).isEmpty();
            assertThat(left(spec)).isEmpty();
        }
    }

    @Test
    void aMachineOfWhichNothingIsWrittenIsUndoneByItsTraces() throws Exception {
        MachineSpec spec = spec(Map.of());
        Machine machine = start(driver(), spec, new RecordingLedger(resource -> {}));
        leave(machine);
        assertThat(left(spec)).isNotEmpty();

        driver().traces(spec.id(), spec.directory())
                .forEach(trace -> assertThat(driver().undo(trace)).isEmpty());

        assertThat(left(spec)).isEmpty();
    }

    private void leave(Machine machine) throws IOException {
        machines.remove(machine);
        machine.leave();
        closeDoors();
    }

    private void closeDoors() throws IOException {
        for (TestDoor door : doors) {
            door.close();
        }
    }

    private TestDoor door(String name) {
        var door = new TestDoor(name);
        doors.add(door);
        return door;
    }

    private Optional<Machine> adopt(MachineSpec spec, String door, String handle, RecordingLedger ledger)
            throws InterruptedException {
        Optional<Machine> adopted = driver().adopt(
                        withEgress(spec, door(door)), handle, ledger.toUndo().reversed(), ledger, this::step);
        adopted.ifPresent(machines::add);
        return adopted;
    }

    private void step(String step, String text, Map<String, String> details) {
        assertThat(step).isNotBlank();
        assertThat(text).isNotBlank();
        assertThat(details).containsKey("ms");
    }
}
