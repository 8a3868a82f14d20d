package dev.sallyport.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.VmType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./sallyport login TOOL}: starts a sign-in on a running server, prints its page, and waits for its end. */
@Command(
        name = "login",
        mixinStandardHelpOptions = true,
        description = "Signs in to a tool through a running server: prints the page to open, and waits.",
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {
            "0:signed in",
            "1:cancelled, or not finished in time",
            "3:failed; the cause is printed",
            "70:the server could not be asked"
        })
public final class LoginVerb implements Verb {
    @Parameters(paramLabel = "TOOL", description = "the provider, such as codex or demo")
    private String provider = "";

    @Mixin
    private ServerOptions server = new ServerOptions();

    @Option(names = "--user", description = "who signs in; needs the admin token (default: ${DEFAULT-VALUE})")
    private String user = System.getProperty("user.name");

    @Option(
            names = "--replace",
            description = "cancel a sign-in of this user to this tool that is under way, and start anew")
    private boolean replace;

    @Override
    public Integer call() throws InterruptedException {
        try (ApiClient api = server.connect()) {
            String id = start(api);
            Progress progress = Progress.onStandardError();
            JsonNode page = api.post("/api/auth/session/" + id + "/page", Map.of());
            progress.line("Open this page to sign in (it is good for this sign-in alone):");
            System.out.println(server.server().resolve(page.path("url").asText()));
            JsonNode end = SessionFollower.follow(api, id, progress);
            return SessionReport.print(end, consoles(api, end), System.out, System.err);
        }
    }

    /** Starts the sign-in; returns the session's id. */
    String start(ApiClient api) throws InterruptedException {
        Map<String, Object> wanted = new HashMap<>();
        wanted.put("provider", provider);
        if (api.get("/api/me").path("role").asText().equals("admin")) {
            wanted.put("userId", user);
        }
        if (replace) {
            wanted.put("replace", true);
        }
        try {
            return api.post("/api/auth/start", wanted).path("sessionId").asText();
        } catch (FailureException e) {
            if (e.reason().code() == CauseCode.SIGN_IN_RUNNING) {
                System.err.println("sallyport: to cancel what is under way and start anew, add --replace.");
            }
            throw e;
        }
    }

    /** Where the console logs of a session that did not end well are. One that is not kept is not worth a line. */
    private List<String> consoles(ApiClient api, JsonNode session) throws InterruptedException {
        List<String> lines = new ArrayList<>();
        if (session.path("status").asText().equals("completed")) {
            return lines;
        }
        String id = session.path("session_id").asText();
        for (VmType kind : VmType.values()) {
            String path = "/api/auth/session/" + id + "/console?kind=" + kind.wire();
            if (api.send("GET", path, null).status() == 200) {
                lines.add("Console of the " + kind.wire() + " machine: "
                        + server.server().resolve(path));
            }
        }
        return lines;
    }
}
