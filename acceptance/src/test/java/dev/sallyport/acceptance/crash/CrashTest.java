package dev.sallyport.acceptance.crash;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.acceptance.standin.StandInVendors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * A sign-in, from its request to the end of the last machine, is struck at both sides of each of its journalled steps. It must come to
 * its end all the same, and nothing may be left that nobody knows of.
 */
@Tag("machines")
final class CrashTest {
    private static final StageFolder FOLDER = new StageFolder("crash");
    private static @Nullable StandInVendors vendors;

    @BeforeAll
    static void open() throws Exception {
        Stage.removeTree(FOLDER.data());
        Files.createDirectories(FOLDER.data());
        vendors = StandInVendors.start();
    }

    @AfterAll
    static void close() throws Exception {
        if (vendors != null) {
            vendors.close();
        }
        Stage.removeTree(FOLDER.data());
    }

    /** The controller dies at each place, and the next one goes on. */
    @TestFactory
    Stream<DynamicTest> theControllerIsKilled() throws Exception {
        var strikes = new Strikes(FOLDER.data(), vendors());
        var journey = new Journey(vendors(), "crasher");
        Path data = FOLDER.data().resolve("killed");
        Path steps = strikes.steps("killed");
        int lives = 0;
        Optional<JsonNode> ended = Optional.empty();
        while (ended.isEmpty()) {
            lives++;
            ended = strikes.live(journey::goOn, data, Map.of("steps", steps.toString(), "blow", "HALT"), steps);
        }
        System.out.println("    " + strikes.visited(steps) + " places, " + lives + " lives of the controller");
        return strikes.verdicts("killed at ", ended.get(), data, steps, Journey.PLACES);
    }

    /** The database's server is killed at each place, under a controller that lives on. */
    @TestFactory
    Stream<DynamicTest> theDatabaseIsKilled() throws Exception {
        var strikes = new Strikes(FOLDER.data(), vendors());
        var journey = new Journey(vendors(), "crasher");
        Path data = FOLDER.data().resolve("database");
        Path steps = strikes.steps("database");
        Optional<JsonNode> ended =
                strikes.live(journey::goOn, data, Map.of("steps", steps.toString(), "blow", "KILL_DATABASE"), steps);
        System.out.println("    " + strikes.visited(steps) + " places, the database was killed at each");
        return strikes.verdicts("database killed at ", ended.orElseThrow(), data, steps, Journey.PLACES);
    }

    private static StandInVendors vendors() {
        return Objects.requireNonNull(vendors, "opened before each test");
    }
}
