package dev.sallyport.acceptance.crash;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.acceptance.standin.TestUser;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One user's way: a sign-in, its approval by the address that the user's own browser ended on, the end of the browser machine and then
 * of the CLI machine. It goes on where it was, whatever became of the controller in between.
 */
final class Journey {
    /** Some of each kind of its steps, with both of their sides. */
    static final List<String> PLACES = List.of(
            "before session created",
            "after session browser_ready",
            "before session url_opened",
            "after session signed_in",
            "before credentials sealed",
            "after credentials sealed",
            "before session proved",
            "before intend browser things",
            "after intend browser things",
            "before undone browser things",
            "after undone cli things",
            "before machine end",
            "after machine gone",
            "before machine furnished");

    private final TestUser user;
    private final String name;
    private @Nullable String session;
    private @Nullable String approved;
    private @Nullable CauseCode passing;
    private int tries = 1;

    Journey(StandInVendors vendors, String name) {
        this.user = new TestUser(vendors);
        this.name = name;
    }

    /** The same; a sign-in that fails with {@code cause} is tried again. */
    Journey tryingAgainAfter(CauseCode cause) {
        passing = cause;
        return this;
    }

    /** How many sign-ins it took. */
    int tries() {
        return tries;
    }

    /**
     * Goes on as far as the controller lives.
     *
     * @return the session as it ended, with all machines gone
     * @throws FailureException SERVER_UNREACHABLE when the controller died on the way
     */
    JsonNode goOn(ApiClient api) throws IOException, InterruptedException {
        String id = session == null ? begin(api) : session;
        session = id;
        api.events("/api/auth/session/" + id + "/events?after=0", event -> {
            if (event.name().equals("session")) {
                react(api, id, event.data().path("status").asText());
            }
            return true;
        });
        JsonNode now = api.get("/api/auth/session/" + id).path("session");
        if (!now.has("ended_at") || now.path("ended_at").isNull()) {
            throw FailureException.of(CauseCode.SERVER_UNREACHABLE, "The timeline broke off.");
        }
        if (passing != null && now.path("cause").path("code").asText().equals(passing.name())) {
            session = api.post("/api/auth/session/" + id + "/retry", Map.of())
                    .path("sessionId")
                    .asText();
            approved = null;
            tries++;
            return goOn(api);
        }
        for (JsonNode machine : api.get("/api/vm?alive=true").path("vms")) {
            if (machine.path("vm_type").asText().equals("cli")) {
                api.delete("/api/vm/" + machine.path("vm_id").asText());
            }
        }
        return now;
    }

    private String begin(ApiClient api) throws InterruptedException {
        for (JsonNode known : api.get("/api/sessions?userId=" + name).path("sessions")) {
            return known.path("session_id").asText();
        }
        return api.post("/api/auth/start", Map.of("userId", name, "provider", "demo"))
                .path("sessionId")
                .asText();
    }

    private void react(ApiClient api, String id, String status) throws InterruptedException {
        switch (status) {
            case "awaiting_user" -> approve(api, id);
            case "completed" -> api.post("/api/auth/session/" + id + "/complete", Map.of());
            default -> {
                // Its own steps.
            }
        }
    }

    private void approve(ApiClient api, String id) throws InterruptedException {
        try {
            if (approved == null) {
                approved = user.decide(
                        api.get("/api/auth/session/" + id + "/oauth-url")
                                .path("url")
                                .asText(),
                        "approve");
            }
            api.post("/api/auth/session/" + id + "/callback", Map.of("address", approved));
        } catch (FailureException e) {
            if (e.reason().code() == CauseCode.SERVER_UNREACHABLE) {
                throw e;
            }
            // Given in a life before, and taken: the session goes on by itself.
            System.err.println("the address was not taken again: " + e.getMessage());
        } catch (IOException e) {
            throw new IllegalStateException("the stand-in does not answer", e);
        }
    }
}
