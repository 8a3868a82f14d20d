package dev.sallyport.bench.sessions;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.bench.simulated.MachineAddresses;
import dev.sallyport.bench.simulated.SimulatedAgents;
import dev.sallyport.bench.simulated.SimulatedDriver;
import dev.sallyport.cli.AdminTokenFile;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole sign-ins through a real controller on simulated machines: what the benchmark counts on. */
@Timeout(300)
final class SimulatedSignInTest {
    private static final int THINGS_OF_A_MACHINE = 7;
    private static final int SESSIONS = 5;

    @Test
    void signInsSucceedOrAreCancelledAndNothingIsLeft(@TempDir Path folder) throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        Settings settings = ControllerProcess.settings(folder);
        SimulatedImages.make(settings.folders().cache());
        MachineAddresses addresses = MachineAddresses.in(ControllerProcess.addresses(folder));
        try (var agents = new SimulatedAgents(addresses)) {
            var driver = new SimulatedDriver(addresses, agents.port());
            try (Controller controller = ControllerProcess.start(settings, driver);
                    var api = new ApiClient(
                            controller.address(),
                            AdminTokenFile.read(settings.folders().data()))) {
                List<String> sessions = new ArrayList<>();
                for (int i = 0; i < SESSIONS; i++) {
                    sessions.add(api.post("/api/auth/start", Map.of("userId", "u" + i, "provider", "demo"))
                            .path("sessionId")
                            .asText());
                }
                for (String session : sessions) {
                    assertThat(statusAfter(api, session, "awaiting_user")).isEqualTo("awaiting_user");
                }
                assertThat(agents.awaiting()).containsExactlyInAnyOrderElementsOf(sessions);
                assertThat(driver.things()).isEqualTo(2 * SESSIONS * THINGS_OF_A_MACHINE);

                String cancelled = sessions.removeLast();
                api.post("/api/auth/session/" + cancelled + "/cancel", Map.of());
                sessions.forEach(agents::succeed);

                for (String session : sessions) {
                    assertThat(statusAfter(api, session, "completed")).isEqualTo("completed");
                }
                assertThat(statusAfter(api, cancelled, "cancelled")).isEqualTo("cancelled");
                assertThat(agents.awaiting()).isEmpty();
                for (JsonNode machine : api.get("/api/vm?alive=true").path("vms")) {
                    if (machine.path("vm_type").asText().equals("cli")) {
                        api.delete("/api/vm/" + machine.path("vm_id").asText());
                    }
                }
                assertThat(api.get("/api/vm?alive=true").path("vms")).isEmpty();
                assertThat(StoreRows.of(settings.folders().data(), driver.things())
                                .values())
                        .containsOnly(0L);
            }
        }
    }

    /** The session's status once it is {@code wanted}, or has ended; its events say when to look, and end with its machine. */
    private static String statusAfter(ApiClient api, String session, String wanted) throws Exception {
        var seen = new ArrayList<String>();
        api.events("/api/auth/session/" + session + "/events", event -> {
            if (event.name().equals("session")) {
                seen.add(event.data().path("status").asText());
            }
            // Of an ended session the end of the stream is waited for: then its machine is gone.
            return seen.isEmpty() || !seen.getLast().equals(wanted) || !wanted.equals("awaiting_user");
        });
        JsonNode view = api.get("/api/auth/session/" + session).path("session");
        return view.path("status").asText().equals("failed")
                ? "failed: " + view.path("cause")
                : view.path("status").asText();
    }
}
