package dev.sallyport.acceptance.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.signin.Leftovers;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/**
 * A journey that is struck at both sides of each of its journalled steps, in real processes with real machines: what was found wrong at
 * each place, and in the end.
 */
final class Strikes {
    /** What is asked of a controller while it lives. */
    @FunctionalInterface
    interface Way {
        /**
         * Goes on as far as the controller lives.
         *
         * @return the session as it ended
         * @throws FailureException SERVER_UNREACHABLE when the controller died on the way
         */
        JsonNode goOn(ApiClient api) throws IOException, InterruptedException;
    }

    private final Path place;
    private final StandInVendors vendors;
    private final Path cache;
    /** What was found wrong at a place; empty when nothing was. */
    private final Map<String, String> found = new LinkedHashMap<>();

    /**
     * Of controllers on the product's cache.
     *
     * @param place for what controllers log and what was visited
     */
    Strikes(Path place, StandInVendors vendors) {
        this(place, vendors, Folders.ofThisProcess().cache());
    }

    /** @param cache of the controllers */
    Strikes(Path place, StandInVendors vendors, Path cache) {
        this.place = place;
        this.vendors = vendors;
        this.cache = cache;
    }

    /** The places of which nothing else is known are well. */
    int visited(Path steps) {
        FirstVisits.read(steps).forEach(each -> found.putIfAbsent(each, ""));
        return found.size();
    }

    /** One life of a controller: empty when it died on the way. */
    Optional<JsonNode> live(Way way, Path data, Map<String, String> arguments, Path steps) throws Exception {
        Set<String> before = FirstVisits.read(steps);
        Map<String, String> all = new HashMap<>(arguments);
        all.putAll(Map.of(
                "proxy",
                "127.0.0.1:" + vendors.proxy().getPort(),
                "authorities",
                authorities().toString()));
        KillableController controller = KillableController.start(
                folders(data), List.of(), all, Files.createDirectories(place).resolve("controller.log"));
        Optional<JsonNode> ended = Optional.empty();
        String wrong = "";
        boolean died = false;
        try {
            Optional<ApiClient> api = controller.awaitUp();
            died = api.isEmpty();
            if (api.isPresent()) {
                try (ApiClient client = api.get()) {
                    Optional<Set<String>> strangers = unlessGone(() -> Strangers.of(client, data));
                    died = strangers.isEmpty() && controller.hasDied();
                    wrong = strangers
                            .filter(some -> !some.isEmpty())
                            .map(some -> "when it was started again there were " + some)
                            .orElse("");
                    while (ended.isEmpty() && !died) {
                        ended = unlessGone(() -> {
                            JsonNode session = way.goOn(client);
                            assertThat(Strangers.of(client, data)).isEmpty();
                            return session;
                        });
                        died = ended.isEmpty() && controller.hasDied();
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
        // Its end in good order can have steps that none came to before.
        return controller.awaitEnd() == FirstVisits.HALTED ? Optional.empty() : ended;
    }

    /** Something that needs the controller. */
    @FunctionalInterface
    private interface Asked<T> {
        T ask() throws IOException, InterruptedException;
    }

    /** Empty when the controller did not answer any more: it died, or its database was away for long. */
    private static <T> Optional<T> unlessGone(Asked<T> asked) throws IOException, InterruptedException {
        try {
            return Optional.of(asked.ask());
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.SERVER_UNREACHABLE
                    && e.reason().code() != CauseCode.DATABASE_FAILED
                    && e.reason().code() != CauseCode.DISK_FULL) {
                throw e;
            }
            return Optional.empty();
        }
    }

    /** @param visited places that must have been among those */
    Stream<DynamicTest> verdicts(String title, JsonNode ended, Path data, Path steps, List<String> visited)
            throws Exception {
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
                        () -> assertThat(places).containsAll(visited)));
        return Stream.concat(each, whole);
    }

    private Folders folders(Path data) {
        return new Folders(cache, data, Folders.ofThisProcess().home());
    }

    Path steps(String name) throws IOException {
        return Files.createDirectories(place).resolve(name + ".steps");
    }

    private Path authorities() throws IOException {
        return Files.writeString(Files.createDirectories(place).resolve("ca.pem"), vendors.caPem());
    }
}
