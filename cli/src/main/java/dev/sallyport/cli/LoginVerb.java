package dev.sallyport.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./sallyport login TOOL}: starts a sign-in on a running server, prints its page, and waits for its end. */
@Command(
        name = "login",
        mixinStandardHelpOptions = true,
        description = "Signs in to a tool through a running server: prints the page to open, and waits.")
public final class LoginVerb implements Verb {
    @Parameters(paramLabel = "TOOL", description = "the provider, such as codex or demo")
    private String provider = "";

    @Mixin
    private ServerOptions server = new ServerOptions();

    @Option(names = "--user", description = "who signs in; needs the admin token (default: ${DEFAULT-VALUE})")
    private String user = System.getProperty("user.name");

    @Override
    public Integer call() throws InterruptedException {
        try (ApiClient api = server.connect()) {
            JsonNode me = api.get("/api/me");
            boolean admin = me.path("role").asText().equals("admin");
            JsonNode started = api.post(
                    "/api/auth/start",
                    admin ? Map.of("userId", user, "provider", provider) : Map.of("provider", provider));
            String id = started.path("sessionId").asText();
            Progress progress = Progress.onStandardError();
            JsonNode page = api.post("/api/auth/session/" + id + "/page", Map.of());
            progress.line("Open this page to sign in (it is good for this sign-in alone):");
            System.out.println(server.server().resolve(page.path("url").asText()));
            JsonNode end = SessionFollower.follow(api, id, progress);
            return report(end);
        }
    }

    private static int report(JsonNode session) {
        if (session.path("status").asText().equals("completed")) {
            System.out.println(session.path("proof").asText());
            return 0;
        }
        System.err.println(
                "sallyport: the sign-in ended as " + session.path("status").asText() + ": "
                        + session.path("error_message").asText());
        session.path("cause").path("evidence").forEach(line -> System.err.println("  | " + line.asText()));
        return 1;
    }
}
