package dev.sallyport.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Calls a controller's API with a token. Problem documents become {@link FailureException}s with the cause they name, and with when to
 * try again where they say so. No answer, and errors of a gateway in between, are SERVER_UNREACHABLE.
 */
public final class ApiClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNode NO_PROBLEM = JSON.createObjectNode();
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final URI base;
    private final @Nullable Secret token;
    private final HttpClient http = HttpClient.newBuilder()
            .connectTimeout(Duration.ofSeconds(5))
            .proxy(HttpClient.Builder.NO_PROXY)
            .version(HttpClient.Version.HTTP_1_1)
            .build();

    /**
     * @param base the controller's address, such as {@code http://127.0.0.1:4000}
     * @param token sent as a bearer token; null to send none
     */
    public ApiClient(URI base, @Nullable Secret token) {
        this.base = base;
        this.token = token;
    }

    /** One server-sent event. */
    public record Event(String name, JsonNode data) {}

    /** An answer as it came, for callers that look at refusals themselves. */
    public record Answer(int status, String mediaType, JsonNode body) {}

    /** Told of each event; says whether to go on reading. */
    @FunctionalInterface
    public interface EventReader {
        boolean read(Event event) throws InterruptedException;
    }

    public JsonNode get(String path) throws InterruptedException {
        return expectSuccess(send("GET", path, null));
    }

    public JsonNode post(String path, Map<String, ?> body) throws InterruptedException {
        return expectSuccess(send("POST", path, toJson(body)));
    }

    public JsonNode delete(String path) throws InterruptedException {
        return expectSuccess(send("DELETE", path, null));
    }

    /** Sends a request with a raw body, and returns whatever came back. */
    public Answer send(String method, String path, @Nullable String body) throws InterruptedException {
        HttpRequest.Builder request = request(path).timeout(PATIENCE);
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        request.method(
                method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        try {
            HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            String type = response.headers().firstValue("Content-Type").orElse("");
            return new Answer(
                    response.statusCode(),
                    type,
                    type.contains("json")
                            ? JSON.readTree(response.body())
                            : JSON.getNodeFactory().textNode(response.body()));
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Reads a stream of server-sent events until {@code reader} has enough or the stream ends. */
    public void events(String path, EventReader reader) throws InterruptedException {
        HttpRequest request =
                request(path).header("Accept", "text/event-stream").build();
        try {
            HttpResponse<InputStream> response = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                if (response.statusCode() != 200) {
                    byte[] problem = body.readNBytes(64 * 1024);
                    String type = response.headers().firstValue("Content-Type").orElse("");
                    throw refusal(response.statusCode(), type.contains("json") ? JSON.readTree(problem) : NO_PROBLEM);
                }
                read(body, reader);
            }
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }

    private static void read(InputStream body, EventReader reader) throws IOException, InterruptedException {
        var lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
        String name = "message";
        var data = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.isEmpty()) {
                if (!data.isEmpty() && !reader.read(new Event(name, JSON.readTree(data.toString())))) {
                    return;
                }
                name = "message";
                data.setLength(0);
            } else if (line.startsWith("event:")) {
                name = line.substring(6).strip();
            } else if (line.startsWith("data:")) {
                data.append(line.substring(5).strip());
            }
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path));
        if (token != null) {
            request.header("Authorization", "Bearer " + token.reveal());
        }
        return request;
    }

    private JsonNode expectSuccess(Answer answer) {
        if (answer.status() >= 300) {
            throw refusal(answer.status(), answer.body());
        }
        return answer.body();
    }

    private FailureException refusal(int status, JsonNode problem) {
        if (status >= 502 && !problem.has("code")) {
            return FailureException.of(
                    CauseCode.SERVER_UNREACHABLE,
                    "What stands before " + base + " answered with status " + status + ".");
        }
        CauseCode code = codeOf(problem.path("code").asText());
        String detail = problem.path("detail").asText();
        JsonNode seconds = problem.path("retryAfter");
        if (seconds.canConvertToInt()) {
            return FailureException.tryLater(code, Duration.ofSeconds(Math.max(0, seconds.intValue())), detail);
        }
        List<String> evidence = new ArrayList<>();
        problem.path("evidence").forEach(line -> evidence.add(line.asText()));
        return new FailureException(new Cause(code, detail, evidence));
    }

    private static CauseCode codeOf(String name) {
        for (CauseCode code : CauseCode.values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return CauseCode.UNKNOWN;
    }

    private FailureException unreachable(IOException e) {
        return new FailureException(
                Cause.of(
                        CauseCode.SERVER_UNREACHABLE,
                        "No answer from " + base + ": " + e.getClass().getSimpleName()
                                + (e.getMessage() == null ? "" : ", " + e.getMessage())),
                e);
    }

    private static String toJson(Object body) {
        try {
            return JSON.writeValueAsString(body);
        } catch (IOException e) {
            throw new IllegalArgumentException("not to be written as JSON", e);
        }
    }
}
