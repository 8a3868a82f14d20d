package dev.sallyport.acceptance.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.machine.Command;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * The disk is full for two seconds at both sides of each journalled step of a sign-in. What is to be written then is written later; a
 * sign-in whose machine cannot be made fails with that cause, and its user tries again. Nothing may be left that nobody knows of.
 */
@Tag("machines")
@EnabledIf(value = "isRoot", disabledReason = "a small file system of its own is root's to mount")
final class FullDiskTest {
    private static final StageFolder FOLDER = new StageFolder("full-disk");
    private static @Nullable StandInVendors vendors;

    static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    @BeforeAll
    static void open() throws Exception {
        Command.run(
                Duration.ofSeconds(20), "", List.of("umount", disk().toString())); // What a run before may have left.
        Stage.removeTree(FOLDER.data());
        Files.createDirectories(disk());
        // Small, so that filling it takes no time; large enough for a database and the disks of two machines.
        run("mount", "-t", "tmpfs", "-o", "size=1500m,mode=0755", "sallyport-crash", disk().toString());
        vendors = StandInVendors.start();
    }

    @AfterAll
    static void close() throws Exception {
        if (vendors != null) {
            vendors.close();
        }
        run("umount", disk().toString());
        Stage.removeTree(FOLDER.data());
    }

    @TestFactory
    Stream<DynamicTest> theDiskIsFull() throws Exception {
        var strikes = new Strikes(FOLDER.data(), Objects.requireNonNull(vendors));
        var journey = new Journey(Objects.requireNonNull(vendors), "crasher").tryingAgainAfter(CauseCode.DISK_FULL);
        Path data = disk().resolve("data");
        Path steps = strikes.steps("disk");
        Optional<JsonNode> ended =
                strikes.live(journey::goOn, data, Map.of("steps", steps.toString(), "blow", "FILL_DISK"), steps);
        System.out.println("    " + strikes.visited(steps) + " places, the disk was full at each; " + journey.tries()
                + " sign-ins until one was completed");
        return strikes.verdicts("disk full at ", ended.orElseThrow(), data, steps, Journey.PLACES);
    }

    private static Path disk() {
        return FOLDER.data().resolve("disk");
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Command.Result result = Command.run(Duration.ofSeconds(20), "", List.of(command));
        assertThat(result.ok())
                .as("%s: %s", String.join(" ", command), result.output())
                .isTrue();
    }
}
