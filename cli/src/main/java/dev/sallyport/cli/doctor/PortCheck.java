package dev.sallyport.cli.doctor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.machine.Command;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether the API's port is free, or a Sallyport's already. */
final class PortCheck implements Check {
    private static final Duration DEADLINE = Duration.ofSeconds(3);
    private static final Pattern HOLDER = Pattern.compile("users:\\(\\(\"([^\"]+)\",pid=(\\d+)");

    /**
     * What was seen.
     *
     * @param address host and port
     * @param refusal why the port cannot be listened on; empty when it can
     * @param health what {@code GET /health} there answered; empty when nothing did
     * @param holder the process that listens there, where it can be seen
     */
    record Seen(String address, String refusal, Optional<String> health, String holder) {}

    private final String host;
    private final int port;

    PortCheck(String host, int port) {
        this.host = host;
        this.port = port;
    }

    @Override
    public String name() {
        return "port";
    }

    @Override
    @SuppressWarnings("AddressSelection") // As 'up' does: which of a name's addresses is up to the operator's resolver.
    public List<Finding> look() throws IOException, InterruptedException {
        String address = host + ":" + port;
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(host, port));
            return List.of(judge(new Seen(address, "", Optional.empty(), "")));
        } catch (IOException e) {
            String refusal = String.valueOf(e.getMessage());
            boolean taken = refusal.contains("in use");
            return List.of(judge(
                    new Seen(address, refusal, taken ? health(address) : Optional.empty(), taken ? holder() : "")));
        }
    }

    private static Optional<String> health(String address) throws InterruptedException {
        try (HttpClient client =
                HttpClient.newBuilder().connectTimeout(DEADLINE).build()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + address + "/health"))
                    .timeout(DEADLINE)
                    .build();
            String body =
                    client.send(request, HttpResponse.BodyHandlers.ofString()).body();
            return Optional.of(body.substring(0, Math.min(body.length(), 500)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private String holder() throws IOException, InterruptedException {
        try {
            Command.Result result = Command.run(DEADLINE, "", List.of("ss", "-Hltnp", "sport = :" + port));
            Matcher matcher = HOLDER.matcher(result.output());
            return matcher.find() ? "process " + matcher.group(2) + " (" + matcher.group(1) + ")" : "";
        } catch (FailureException e) {
            return ""; // Without the program 'ss' the holder has no name.
        }
    }

    static Finding judge(Seen seen) {
        if (seen.refusal().isEmpty()) {
            return Finding.ok(seen.address() + " is free.");
        }
        String by = seen.holder().isEmpty() ? "another process" : seen.holder();
        if (seen.health().isPresent()) {
            Optional<String> version = sallyport(seen.health().get());
            if (version.isPresent()) {
                return Finding.ok("A Sallyport " + version.get() + " serves at " + seen.address() + " (" + by + ").");
            }
        }
        if (!seen.refusal().contains("in use")) {
            return Finding.broken(
                    seen.address() + " cannot be listened on: " + seen.refusal() + ".",
                    "Choose another: './sallyport up --host ADDRESS --port N'.");
        }
        return Finding.broken(
                seen.address() + " is taken by " + by + ", which is no Sallyport: "
                        + (seen.health().isPresent() ? "it answered otherwise" : "it did not answer over HTTP") + ".",
                "End it, or choose another port: './sallyport up --port N'.");
    }

    /** The version in the answer, if it is a Sallyport's. */
    private static Optional<String> sallyport(String health) {
        try {
            JsonNode answer = new ObjectMapper().readTree(health);
            return answer.path("activeSessions").isInt()
                            && answer.path("version").isTextual()
                    ? Optional.of(answer.path("version").asText())
                    : Optional.empty();
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }
}
