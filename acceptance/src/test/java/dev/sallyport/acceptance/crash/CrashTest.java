package dev.sallyport.acceptance.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.signin.Leftovers;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.machine.Command;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * A sign-in, from its request to the end of the last machine, is struck at both sides of each of its journalled steps, in real
 * processes with real machines. It must come to its end all the same, and nothing may be left that nobody knows of.
 */
@Tag("machines")
final class CrashTest {
    private static final StageFolder FOLDER = new StageFolder("crash");
    private static @Nullable StandInVendors vendors;

    @BeforeAll
    static void open() throws Exception {
        Stage.removeTree(FOLDER.data());
        vendors = StandInVendors.start();
    }

    @AfterAll
    static void close() throws Exception {
        if (vendors != null) {
            vendors.close();
        }
        Stage.removeTree(FOLDER.data());
    }

    /** What was found wrong at a place; empty when nothing was. */
    private final Map<String, String> found = new LinkedHashMap<>();

    /** The controller dies at each place, and the next one goes on. */
    @TestFactory
    Stream<DynamicTest> theControllerIsKilled() throws Exception {
        var journey = new Journey(vendors(), "crasher");
        Path data = FOLDER.data().resolve("killed");
        Path steps = steps("killed");
        int lives = 0;
        Optional<JsonNode> ended = Optional.empty();
        while (ended.isEmpty()) {
            lives++;
            ended = live(journey, data, Map.of("steps", steps.toString(), "blow", "HALT"), steps);
        }
        System.out.println("    " + found.size() + " places, " + lives + " lives of the controller");
        return verdicts("killed at ", ended.get(), data, steps);
    }

    /** The database's server is killed at each place, under a controller that lives on. */
    @TestFactory
    Stream<DynamicTest> theDatabaseIsKilled() throws Exception {
        var journey = new Journey(vendors(), "crasher");
        Path data = FOLDER.data().resolve("database");
        Path steps = steps("database");
        Optional<JsonNode> ended =
                live(journey, data, Map.of("steps", steps.toString(), "blow", "KILL_DATABASE"), steps);
        FirstVisits.read(steps).forEach(place -> found.putIfAbsent(place, ""));
        System.out.println("    " + found.size() + " places, the database was killed at each");
        return verdicts("database killed at ", ended.orElseThrow(), data, steps);
    }

    /** The disk is full for two seconds at each place: what is to be written then is written later. */
    @TestFactory
    Stream<DynamicTest> theDiskIsFull() throws Exception {
        var journey = new Journey(vendors(), "crasher");
        Path disk = Files.createDirectories(FOLDER.data().resolve("disk"));
        mount(disk);
        try {
            Path data = disk.resolve("data");
            Path steps = steps("disk");
            Optional<JsonNode> ended =
                    live(journey, data, Map.of("steps", steps.toString(), "blow", "FILL_DISK"), steps);
            FirstVisits.read(steps).forEach(place -> found.putIfAbsent(place, ""));
            System.out.println("    " + found.size() + " places, the disk was full at each");
            return verdicts("disk full at ", ended.orElseThrow(), data, steps);
        } finally {
            run("umount", disk.toString());
        }
    }

    /** Small, so that filling it takes no time; large enough for a database and the disks of two machines. */
    private static void mount(Path disk) throws IOException, InterruptedException {
        run("mount", "-t", "tmpfs", "-o", "size=1500m,mode=0755", "sallyport-crash", disk.toString());
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Command.Result result = Command.run(Duration.ofSeconds(20), "", List.of(command));
        assertThat(result.ok()).as("%s: %s", String.join(" ", command), result.output()).isTrue();
    }

    /** One life of a controller: empty when it died on the way. */
    private Optional<JsonNode> live(Journey journey, Path data, Map<String, String> arguments, Path steps)
            throws Exception {
        Set<String> before = FirstVisits.read(steps);
        Map<String, String> all = new HashMap<>(arguments);
        all.putAll(Map.of(
                "proxy",
                "127.0.0.1:" + vendors().proxy().getPort(),
                "authorities",
                authorities().toString()));
        KillableController controller = KillableController.start(
                folders(data),
                List.of(),
                all,
                Files.createDirectories(FOLDER.data()).resolve("controller.log"));
        Optional<JsonNode> ended = Optional.empty();
        String wrong = "";
        boolean died = false;
        try {
            Optional<ApiClient> api = controller.awaitUp();
            died = api.isEmpty();
            if (api.isPresent()) {
                try (ApiClient client = api.get()) {
                    Set<String> strangers = Strangers.of(client, data);
                    wrong = strangers.isEmpty() ? "" : "when it was started again there were " + strangers;
                    while (ended.isEmpty() && !died) {
                        ended = goOn(journey, client);
                        died = ended.isEmpty() && controller.hasDied();
                    }
                    if (ended.isPresent()) {
                        assertThat(Strangers.of(client, data)).isEmpty();
                    }
                }
            }
        } finally {
            if (!died) {
                controller.close();
            }
        }
        // What was found when it came up belongs to the place where the one before had died.
        found.put(before.isEmpty() ? "the first start" : List.copyOf(before).getLast(), wrong);
        if (died) {
            assertThat(controller.awaitEnd()).as("how the controller ended").isEqualTo(FirstVisits.HALTED);
        }
        return ended;
    }

    /** Empty when the controller did not answer any more: it died, or its database was away for long. */
    private static Optional<JsonNode> goOn(Journey journey, ApiClient client) throws IOException, InterruptedException {
        try {
            return Optional.of(journey.goOn(client));
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.SERVER_UNREACHABLE
                    && e.reason().code() != CauseCode.DATABASE_FAILED
                    && e.reason().code() != CauseCode.DISK_FULL) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private Stream<DynamicTest> verdicts(String title, JsonNode ended, Path data, Path steps) throws Exception {
        List<String> left = Leftovers.of(data);
        Set<String> places = FirstVisits.read(steps);
        Stream<DynamicTest> each = Map.copyOf(found).entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(entry -> DynamicTest.dynamicTest(
                        title + entry.getKey(),
                        () -> assertThat(entry.getValue()).isEmpty()));
        Stream<DynamicTest> whole = Stream.of(
                DynamicTest.dynamicTest(
                        title + "each step: the session came to its end",
                        () -> assertThat(ended.path("status").asText())
                                .as(ended.toString())
                                .isEqualTo("completed")),
                DynamicTest.dynamicTest(
                        title + "each step: nothing is left",
                        () -> assertThat(left).isEmpty()),
                DynamicTest.dynamicTest(
                        title + "each step: every kind of step was visited",
                        () -> assertThat(places)
                                .contains(
                                        "before session created",
                                        "after session browser_ready",
                                        "before session url_opened",
                                        "after session signed_in",
                                        "before credentials sealed",
                                        "after credentials sealed",
                                        "before session proved",
                                        "before intend browser process",
                                        "after intend browser process",
                                        "before undone browser process",
                                        "after undone cli process",
                                        "before machine end",
                                        "after machine gone",
                                        "before machine furnished")));
        return Stream.concat(each, whole);
    }

    private static StandInVendors vendors() {
        if (vendors == null) {
            throw new IllegalStateException("opened before each test");
        }
        return vendors;
    }

    private static Folders folders(Path data) {
        Folders product = Folders.ofThisProcess();
        return new Folders(product.cache(), data, product.home());
    }

    private static Path steps(String name) throws IOException {
        return Files.createDirectories(FOLDER.data()).resolve(name + ".steps");
    }

    private static Path authorities() throws IOException {
        return Files.writeString(
                Files.createDirectories(FOLDER.data()).resolve("ca.pem"),
                vendors().caPem());
    }
}
