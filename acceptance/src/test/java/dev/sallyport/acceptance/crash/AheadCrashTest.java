package dev.sallyport.acceptance.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.signin.LinkedImages;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.model.Folders;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
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

/**
 * The controller dies at both sides of each journalled step of what it makes ready before it is asked: templates, machines that are kept
 * ready, and one of each that is given to a user. The next one goes on, and no template is left that is not whole.
 */
@Tag("machines")
final class AheadCrashTest {
    private static final StageFolder FOLDER = new StageFolder("ahead");
    /** Both templates are made in that time, and a machine of each. */
    private static final Duration READY = Duration.ofMinutes(5);

    private static final Duration LOOK = Duration.ofMillis(200);

    private static final List<String> PLACES = List.of(
            "before machine template browser begun",
            "after machine template browser begun",
            "after machine template cli begun",
            "before machine pool browser begun",
            "after machine pool cli begun",
            "before intend browser things",
            "after intend cli things",
            "before undone browser things",
            "after undone cli things",
            "before machine claimed",
            "after machine claimed",
            "after machine gone");

    private static @Nullable StandInVendors vendors;

    @BeforeAll
    static void open() throws Exception {
        Stage.removeTree(FOLDER.data());
        LinkedImages.link(Folders.ofThisProcess().cache(), Files.createDirectories(cache()));
        vendors = StandInVendors.start();
    }

    @AfterAll
    static void close() throws Exception {
        if (vendors != null) {
            vendors.close();
        }
        Stage.removeTree(FOLDER.data());
    }

    private static Path cache() {
        return FOLDER.data().resolve("cache");
    }

    @TestFactory
    Stream<DynamicTest> theControllerIsKilled() throws Exception {
        StandInVendors vendors = Objects.requireNonNull(AheadCrashTest.vendors);
        var strikes = new Strikes(FOLDER.data(), vendors, cache());
        var journey = new Journey(vendors, "crasher");
        Path data = FOLDER.data().resolve("killed");
        Path steps = strikes.steps("killed");
        Map<String, String> arguments = Map.of("steps", steps.toString(), "blow", "HALT", "ahead", "");
        int lives = 0;
        Optional<JsonNode> ended = Optional.empty();
        while (ended.isEmpty()) {
            lives++;
            ended = strikes.live(api -> goOn(journey, api), data, arguments, steps);
        }
        System.out.println("    " + strikes.visited(steps) + " places, " + lives + " lives of the controller");
        List<String> unfinished = unfinished();
        return Stream.concat(
                strikes.verdicts("ahead, killed at ", ended.get(), data, steps, PLACES),
                Stream.of(DynamicTest.dynamicTest(
                        "ahead, killed at each step: every template is whole",
                        () -> assertThat(unfinished).isEmpty())));
    }

    private static JsonNode goOn(Journey journey, ApiClient api) throws IOException, InterruptedException {
        awaitReady(api);
        JsonNode ended = journey.goOn(api);
        awaitReady(api);
        return ended;
    }

    /** Until a machine of each kind is kept ready, and a hypervisor waits; nothing tells of it, and so it is asked for. */
    private static void awaitReady(ApiClient api) throws InterruptedException {
        Instant deadline = Instant.now().plus(READY);
        while (!isReady(api)) {
            assertThat(Instant.now()).as("machines are kept ready").isBefore(deadline);
            Thread.sleep(LOOK);
        }
    }

    private static boolean isReady(ApiClient api) throws InterruptedException {
        ControllerMetrics metrics = ControllerMetrics.of(api);
        return Stream.of(VmType.values()).allMatch(type -> {
            String kind = "kind=\"" + type.wire() + "\"";
            double ready = metrics.sum("sallyport_pool_machines", kind);
            return ready >= 1
                    && ready == metrics.sum("sallyport_pool_target", kind)
                    && metrics.sum("sallyport_standby_hypervisors", kind) == 1;
        });
    }

    private static List<String> unfinished() throws IOException {
        try (var folders = Files.list(cache().resolve("templates"))) {
            return folders.map(folder -> folder.getFileName().toString())
                    .filter(name -> name.startsWith("unfinished-"))
                    .toList();
        }
    }
}
