package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.agentapi.Health;
import dev.sallyport.image.Image;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the contract's cases share: a guest, machines that are destroyed after each case, and a look at what is left of them. */
@Tag("machines")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
abstract class ContractMachines {
    static final Duration BOOT = Duration.ofSeconds(60);
    protected static final Duration END = Duration.ofSeconds(20);

    private static @Nullable Image guest;

    @TempDir
    Path folder;

    protected final List<Machine> machines = new ArrayList<>();
    final List<MachineSpec> specs = new ArrayList<>();
    final List<TestDoor> doors = new ArrayList<>();
    final List<String> steps = new ArrayList<>();

    /** A class whose instances make the driver under test, each time another. It is also used in other processes. */
    protected abstract Class<? extends Supplier<MachineDriver>> drivers();

    /** Whether a thing that the driver wrote down is there; false for things that several machines share. */
    protected abstract boolean exists(Resource resource);

    /** What is left on the host of a machine, apart from what lies in its folder. */
    protected abstract List<String> leftOn(MachineSpec spec);

    /** Kills the hypervisor as the kernel would. */
    protected abstract void killHypervisor(MachineSpec spec);

    @BeforeAll
    static void buildGuest(@TempDir Path images) throws IOException, InterruptedException {
        guest = ContractGuest.image(images);
    }

    @AfterEach
    void destroyAll() throws IOException {
        var left = new ArrayList<String>();
        for (Machine machine : machines) {
            left.addAll(machine.destroy());
        }
        for (TestDoor door : doors) {
            door.close();
        }
        for (MachineSpec spec : specs) {
            List<String> of = left(spec);
            left.addAll(of);
            if (!of.isEmpty()) {
                // A failure of one case is no reason for others.
                driver().traces(spec.id(), spec.directory()).forEach(driver()::undo);
            }
        }
        assertThat(left).isEmpty();
    }

    protected final MachineDriver driver() {
        try {
            return drivers().getDeclaredConstructor().newInstance().get();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a driver's supplier needs a constructor without parameters", e);
        }
    }

    static Image image() {
        return Objects.requireNonNull(guest);
    }

    /** A small machine's specification, with a folder and a gateway of its own. */
    protected final MachineSpec spec(Map<String, String> facts) throws IOException {
        MachineId id = MachineId.random();
        var door = new TestDoor(doors.isEmpty() ? "one" : "two");
        doors.add(door);
        Path directory = Files.createDirectory(folder.resolve(id.value()));
        var spec = new MachineSpec(id, VmType.CLI, image(), 256, 1, 64L << 20, directory, facts, door);
        specs.add(spec);
        return spec;
    }

    static MachineSpec withEgress(MachineSpec spec, EgressDoor egress) {
        return new MachineSpec(
                spec.id(),
                spec.type(),
                spec.image(),
                spec.memoryMib(),
                spec.cpus(),
                spec.diskBytes(),
                spec.directory(),
                spec.facts(),
                egress);
    }

    final Machine start(MachineDriver driver, MachineSpec spec, ResourceLedger ledger) throws InterruptedException {
        Machine machine = driver.start(spec, ledger, (step, text, details) -> {
            steps.add(step);
            assertThat(text).isNotBlank();
            assertThat(details).containsKey("ms");
        });
        machines.add(machine);
        return machine;
    }

    /** A failure's evidence belongs into a test's report. */
    protected static Health readiness(Machine machine) throws InterruptedException {
        try {
            return Readiness.await(machine, new HttpHealthProbe(), BOOT);
        } catch (FailureException e) {
            throw new AssertionError(
                    e.getMessage() + "\n" + String.join("\n", e.reason().evidence()), e);
        }
    }

    /** A machine whose agent answers; it is destroyed after the test. */
    protected final Machine ready(MachineSpec spec) throws InterruptedException {
        Machine machine = start(driver(), spec, new RecordingLedger(resource -> {}));
        readiness(machine);
        return machine;
    }

    protected final List<String> left(MachineSpec spec) throws IOException {
        var left = new ArrayList<>(leftOn(spec));
        everythingIn(spec).stream()
                .filter(file -> !file.equals(spec.directory().resolve("console.log")))
                .forEach(file -> left.add(file.toString()));
        return left;
    }

    static Set<Path> everythingIn(MachineSpec spec) throws IOException {
        try (Stream<Path> files = Files.list(spec.directory())) {
            return Set.copyOf(files.toList());
        }
    }

    static String classPath() {
        return String.join(
                File.pathSeparator,
                new LinkedHashSet<>(List.of(
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")))));
    }
}
