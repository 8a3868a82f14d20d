package dev.sallyport.agent.desktop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sallyport.agent.linux.Child;
import dev.sallyport.agent.linux.OutputListener;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;

/**
 * The DevTools protocol over {@code --remote-debugging-pipe}: JSON messages, each ended by NUL, on Chromium's descriptors 3
 * (to it) and 4 (from it). Nothing listens, so nobody but the agent can drive the browser.
 */
final class DevTools implements OutputListener {
    /** Longest message taken; a longer one is dropped, as pages can make messages long. */
    private static final int MAX_MESSAGE = 1024 * 1024;

    private final ObjectMapper json = new ObjectMapper();
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
    private final ByteArrayOutputStream message = new ByteArrayOutputStream();
    private final Child chromium;
    private final BiConsumer<String, JsonNode> events;
    private boolean tooLong;

    /**
     * Drives {@code chromium}.
     *
     * @param events told of each event's method and parameters, by the thread that reads
     */
    DevTools(Child chromium, BiConsumer<String, JsonNode> events) {
        this.chromium = chromium;
        this.events = events;
        chromium.onEnd(() -> {
            var ended = new IOException("Chromium ended");
            waiting.values().forEach(each -> each.completeExceptionally(ended));
        });
        chromium.onControl(this);
    }

    /** Parameters to be filled. */
    ObjectNode parameters() {
        return json.createObjectNode();
    }

    /**
     * Calls a method of the browser.
     *
     * @throws IOException when Chromium ends, does not answer in time, or answers with an error
     */
    JsonNode call(String method, ObjectNode parameters, Duration atMost) throws IOException, InterruptedException {
        return call("", method, parameters, atMost);
    }

    /**
     * Calls a method of a target.
     *
     * @param session the session of the target, as attaching to it returned; empty for the browser itself
     * @throws IOException when Chromium ends, does not answer in time, or answers with an error
     */
    JsonNode call(String session, String method, ObjectNode parameters, Duration atMost)
            throws IOException, InterruptedException {
        int id = ids.incrementAndGet();
        var answer = new CompletableFuture<JsonNode>();
        waiting.put(id, answer);
        ObjectNode request = json.createObjectNode().put("id", id).put("method", method);
        request.set("params", parameters);
        if (!session.isEmpty()) {
            request.put("sessionId", session);
        }
        byte[] text = json.writeValueAsBytes(request);
        byte[] ended = java.util.Arrays.copyOf(text, text.length + 1);
        try {
            if (chromium.hasEnded()) {
                throw new IOException("Chromium ended");
            }
            chromium.write(ended);
            return answer.get(atMost.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException(method + " was not answered within " + atMost.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(method + ": " + e.getMessage(), e);
        } finally {
            waiting.remove(id);
        }
    }

    @Override
    public void output(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            if (bytes[i] != 0) {
                if (message.size() < MAX_MESSAGE) {
                    message.write(bytes[i]);
                } else {
                    tooLong = true;
                }
                continue;
            }
            if (!tooLong) {
                take(message.toByteArray());
            }
            message.reset();
            tooLong = false;
        }
    }

    private void take(byte[] text) {
        JsonNode read;
        try {
            read = json.readTree(text);
        } catch (IOException e) {
            return; // What is no JSON answers nothing; whoever waits says so at its deadline.
        }
        CompletableFuture<JsonNode> answer = waiting.get(read.path("id").asInt(0));
        if (answer == null) {
            events.accept(read.path("method").asText(), read.path("params"));
        } else if (read.has("error")) {
            answer.completeExceptionally(
                    new IOException(read.path("error").path("message").asText()));
        } else {
            answer.complete(read.path("result"));
        }
    }
}
