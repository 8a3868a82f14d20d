package dev.sallyport.acceptance.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.verify.Finding;
import dev.sallyport.image.verify.ImageVerifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Builds of images are killed, and begun again. Nothing may be left of those that died, what they had finished is not made again, and
 * the alias always points at a whole image.
 */
@Tag("machines")
final class ImageBuildCrashTest {
    private static final StageFolder FOLDER = new StageFolder("crash-images");
    /** All that leaves a trace on the way of a part; each is struck at on both of its sides. */
    private static final List<String> KINDS =
            List.of("intend", "start", "undo", "undone", "kept", "take in", "save", "promote");

    private final Path cache = FOLDER.data().resolve("cache");

    @BeforeEach
    void empty() throws IOException {
        remove();
        Files.createDirectories(FOLDER.data());
    }

    @AfterEach
    void remove() throws IOException {
        if (Files.exists(cache)) {
            // Should a test have failed, there may be processes that still write.
            ImageStore.open(cache);
        }
        Stage.removeTree(FOLDER.data());
    }

    /** At both sides of each journalled step of layers of each kind that is made quickly, of the initramfs, and of the promotion. */
    @TestFactory
    Stream<DynamicTest> theBuilderIsKilledAtEachStep() throws Exception {
        BuildStage stage = BuildStage.open(cache, FOLDER.data().resolve("builder.log"));
        Image before = stage.promoteAnother();
        // Opened once: what a builder left is the next builder's to undo.
        ImageStore store = stage.store();
        Path steps = FOLDER.data().resolve("steps");
        Map<String, List<String>> wrong = new LinkedHashMap<>();
        Set<String> finished = new TreeSet<>();
        String place = "";
        int lives = 0;
        int rounds = 0;
        // A part that is struck at when its file has just come is finished, and the steps behind that are not reached.
        // So
        // there are more rounds, each with one part that must be made, until one brings nothing new.
        for (int known = -1; known < FirstVisits.read(steps).size(); rounds++) {
            known = FirstVisits.read(steps).size();
            finished.remove("small");
            BuildStage.Life life;
            do {
                lives++;
                life = stage.live(
                        Map.of("recipe", "cli", "steps", steps.toString(), "round", Integer.toString(rounds)),
                        line -> false);
                List<String> found = new ArrayList<>(life.left());
                Set<String> again = life.made();
                again.retainAll(finished);
                again.forEach(part -> found.add("made again: " + part));
                found.addAll(alias(store, before));
                wrong.computeIfAbsent(place, first -> new ArrayList<>()).addAll(found);
                Set<String> places = FirstVisits.read(steps);
                place = places.isEmpty() ? "" : List.copyOf(places).getLast();
                if (place.startsWith("after take in ") && life.status() == FirstVisits.HALTED) {
                    // From the moment that its file has its name, it is not made again.
                    finished.add(place.substring("after take in ".length()));
                }
                assertThat(life.status()).as(String.join("\n", life.lines())).isIn(0, FirstVisits.HALTED);
            } while (life.status() != 0);
        }
        Set<String> places = FirstVisits.read(steps);
        System.out.println("    " + places.size() + " places, " + lives + " lives of the builder");
        return verdicts(stage, wrong, places, before, rounds);
    }

    private Stream<DynamicTest> verdicts(
            BuildStage stage, Map<String, List<String>> wrong, Set<String> places, Image before, int rounds)
            throws IOException {
        ImageStore store = stage.store();
        Image image = store.current("cli").orElseThrow();
        List<String> left = BuildLeftovers.of(cache, Set.of());
        List<String> history = store.history("cli");
        List<Finding> findings = ImageVerifier.verify(image);
        Stream<DynamicTest> each = wrong.entrySet().stream()
                .map(entry -> DynamicTest.dynamicTest(
                        entry.getKey().isEmpty() ? "at the first start" : "killed at " + entry.getKey(),
                        () -> assertThat(entry.getValue()).isEmpty()));
        Stream<DynamicTest> whole = Stream.of(
                DynamicTest.dynamicTest(
                        "nothing is left", () -> assertThat(left).isEmpty()),
                DynamicTest.dynamicTest(
                        "the alias has each round's image once, and the one before",
                        () -> assertThat(history)
                                .hasSize(rounds + 1)
                                .doesNotHaveDuplicates()
                                .startsWith(image.id())
                                .endsWith(before.id())),
                DynamicTest.dynamicTest(
                        "the image verifies",
                        () -> assertThat(findings).filteredOn(Finding::isError).isEmpty()),
                DynamicTest.dynamicTest("every kind of step was visited, on both sides", () -> {
                    Set<String> kinds = new HashSet<>();
                    places.forEach(place -> KINDS.stream()
                            .filter(kind -> place.matches("(before|after) " + kind + " .*"))
                            .forEach(kinds::add));
                    assertThat(kinds).containsExactlyInAnyOrderElementsOf(KINDS);
                    // Parts are made side by side: one may be finished when the builder dies of another. So the steps
                    // behind
                    // a part's end are only sure to be visited where it is made alone.
                    assertThat(places)
                            .contains(
                                    "before intend folder of agent",
                                    "after intend folder of agent",
                                    "after start process of agent-runtime 1, jlink",
                                    "after start process of agent 2, java",
                                    "after start process of small 1, npm",
                                    "after start process of tool-demo 1, mkfs.erofs",
                                    "before undo process of agent 2, java",
                                    "before undone folder of small",
                                    "after undone folder of small",
                                    "before take in initramfs",
                                    "after take in small",
                                    "before kept key of small",
                                    "after kept key of small",
                                    "before undo folder of small",
                                    "before save cli",
                                    "before promote cli",
                                    "after promote cli");
                }));
        return Stream.concat(each, whole);
    }

    /** The alias points at the image before, or at the new one, whole. */
    private static List<String> alias(ImageStore store, Image before) {
        Image now = store.current("cli").orElseThrow();
        List<String> wrong = new ArrayList<>();
        if (!now.id().equals(before.id())) {
            ImageVerifier.verify(now).stream().filter(Finding::isError).forEach(error -> wrong.add(error.toString()));
        }
        return wrong;
    }

    /** In the midst of mmdebstrap's work, when there are processes in other namespaces and mounts. */
    @Test
    void theBuilderIsKilledWhileMmdebstrapWorks() throws Exception {
        BuildStage stage = BuildStage.open(cache, FOLDER.data().resolve("builder.log"));
        for (String phase : List.of(
                "reading the list of packages",
                "unpacking packages",
                "setting packages up",
                "adding accounts and units",
                "writing the layer")) {
            BuildStage.Life life =
                    stage.live(Map.of("recipe", "debian"), line -> line.startsWith("RUNNING root-small " + phase));

            assertThat(life.left()).as("before it was killed while " + phase).isEmpty();
            assertThat(life.lines()).last().asString().as("killed while").contains(phase);
            Set<String> dead = BuildLeftovers.builds(cache);
            assertThat(dead).as("killed while " + phase).isNotEmpty();

            assertThat(stage.store().undoDeadBuilds()).isEmpty();
            assertThat(BuildLeftovers.of(cache, dead)).as("after " + phase).isEmpty();
        }
    }
}
