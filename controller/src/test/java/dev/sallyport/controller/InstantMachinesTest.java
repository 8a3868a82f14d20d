package dev.sallyport.controller;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.admission.Memory;
import dev.sallyport.controller.pool.FakeDriver;
import dev.sallyport.controller.pool.FakeImages;
import dev.sallyport.controller.store.Await;
import dev.sallyport.image.ImageStore;
import dev.sallyport.model.Folders;
import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole controller makes templates, keeps machines ready, gives them to users, and tells of it. */
@Timeout(300)
final class InstantMachinesTest {
    private static final Memory MEMORY = new Memory() {
        @Override
        public long available() {
            return 64L << 30;
        }

        @Override
        public long total() {
            return 64L << 30;
        }
    };

    private final FakeDriver driver = new FakeDriver();
    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void machinesAreKeptReadyGivenToUsersAndLeftToTheNextController(@TempDir Path folder) throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        Settings settings = Settings.defaults(new Folders(folder.resolve("cache"), folder.resolve("data"), folder))
                .listeningOn(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .with(Limits.defaults(64L << 30));
        FakeImages.promote(ImageStore.open(settings.folders().cache()));
        String left;
        try (Controller controller = start(settings.ending(Settings.OnExit.LEAVE))) {
            Await.until(
                    "one of each kind is ready", () -> ready(controller, "pool").size() == 2);
            List<String> pool = ready(controller, "pool");
            JsonNode given = json(controller, "POST", "/api/vm/create", "{\"userId\": \"ada\", \"vmType\": \"cli\"}");
            assertThat(pool).contains(given.path("vm").path("vm_id").asText());
            assertThat(given.path("vm").path("purpose").asText()).isEqualTo("user");
            assertThat(given.path("vm").path("user_id").asText()).isEqualTo("ada");
            assertThat(text(controller, "GET", "/metrics", ""))
                    .contains("sallyport_pool_claims_total{kind=\"cli\",outcome=\"hit\"} 1.0")
                    .contains("sallyport_templates_total{outcome=\"made\"} 2.0")
                    .contains("sallyport_pool_target{kind=\"browser\"} 1.0")
                    .contains("sallyport_pool_claim_seconds_count{kind=\"cli\"} 1");
            assertThat(ready(controller, "template")).as("they ended").isEmpty();
            left = pool.stream()
                    .filter(id -> !id.equals(given.path("vm").path("vm_id").asText()))
                    .findFirst()
                    .orElseThrow();
        }
        assertThat(driver.things()).as("they were left").isNotEmpty();
        try (Controller next = start(settings)) {
            assertThat(ready(next, "pool")).as("it is the next controller's").contains(left);
            assertThat(ready(next, "user")).hasSize(1);
        }
        assertThat(driver.things()).as("the last one ends them all").isEmpty();
        assertThat(driver.machines).isEmpty();
    }

    private Controller start(Settings settings) throws InterruptedException {
        return Controller.start(settings, new Controller.Fittings(ignored -> driver, StepHook.NONE, MEMORY));
    }

    /** The machines of that purpose that are ready. */
    private List<String> ready(Controller controller, String purpose) {
        List<String> ids = new ArrayList<>();
        for (JsonNode machine :
                json(controller, "GET", "/api/vm?alive=true", "").path("vms")) {
            if (machine.path("purpose").asText().equals(purpose)
                    && machine.path("state").asText().equals("ready")) {
                ids.add(machine.path("vm_id").asText());
            }
        }
        return ids;
    }

    private JsonNode json(Controller controller, String method, String path, String body) {
        try {
            return new ObjectMapper().readTree(text(controller, method, path, body));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String text(Controller controller, String method, String path, String body) {
        try {
            return http.send(
                            HttpRequest.newBuilder(controller.address().resolve(path))
                                    .header(
                                            "Authorization",
                                            "Bearer "
                                                    + Files.readString(controller.adminTokenFile())
                                                            .strip())
                                    .header("Content-Type", "application/json")
                                    .method(method, HttpRequest.BodyPublishers.ofString(body))
                                    .build(),
                            BodyHandlers.ofString())
                    .body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
