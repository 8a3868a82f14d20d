package dev.sallyport.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./sallyport token}: makes, lists and revokes users' tokens on a running server. */
@Command(
        name = "token",
        mixinStandardHelpOptions = true,
        description = "Makes, lists and revokes users' tokens on a running server.")
public final class TokenVerb implements Verb {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("picocli injects the specification before it calls");
        }
        throw new ParameterException(spec.commandLine(), "say what: create, list or revoke");
    }

    @Command(name = "create", mixinStandardHelpOptions = true, description = "Makes a token and prints it, once.")
    int create(
            @Parameters(paramLabel = "USER", description = "whose") String user,
            @Option(names = "--label", defaultValue = "", description = "a word to know it by") String label,
            @Option(names = "--days", description = "how long it is good for (default: until it is revoked)") @Nullable
                    Long days,
            @Mixin ServerOptions server)
            throws InterruptedException {
        Map<String, Object> body = new HashMap<>(Map.of("userId", user, "label", label));
        if (days != null) {
            body.put("validSeconds", days * 86_400);
        }
        try (ApiClient api = server.connect()) {
            System.out.println(api.post("/api/tokens", body).path("secret").asText());
        }
        return 0;
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists tokens, without their texts.")
    int list(@Mixin ServerOptions server) throws InterruptedException {
        try (ApiClient api = server.connect()) {
            String next = "";
            do {
                JsonNode page = api.get("/api/tokens?limit=200" + next);
                for (JsonNode token : page.path("tokens")) {
                    System.out.printf(
                            "%s  %-20s %-20s %s%s%n",
                            token.path("id").asText(),
                            token.path("userId").asText(),
                            token.path("label").asText(),
                            token.path("createdAt").asText(),
                            token.path("revokedAt").isNull() ? "" : "  revoked");
                }
                next = page.path("next").isTextual()
                        ? "&before=" + page.path("next").asText()
                        : "";
            } while (!next.isEmpty());
        }
        return 0;
    }

    @Command(name = "revoke", mixinStandardHelpOptions = true, description = "Revokes a token.")
    int revoke(
            @Parameters(paramLabel = "ID", description = "as 'token list' shows it") String id,
            @Mixin ServerOptions server)
            throws InterruptedException {
        try (ApiClient api = server.connect()) {
            api.delete("/api/tokens/" + id);
        }
        System.out.println("revoked " + id);
        return 0;
    }
}
