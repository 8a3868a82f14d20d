package dev.sallyport.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A controller as far as the command can tell: each request gets the next of the answers that were laid out. */
final class PlayedServer implements AutoCloseable {
    /** Every request as {@code METHOD path?query body}. */
    final List<String> requests = new CopyOnWriteArrayList<>();

    private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;

    /** @param broken whether the connection breaks after the body, which was announced as longer */
    private record Answer(int status, String type, String body, boolean broken) {}

    /** @param port where it listens; 0 for any */
    PlayedServer(int port) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    PlayedServer then(int status, String type, String body) {
        answers.add(new Answer(status, type, body, false));
        return this;
    }

    /** A stream of events that ends in order. */
    PlayedServer thenEvents(String... events) {
        return then(200, "text/event-stream", String.join("", events));
    }

    /** A stream of events whose connection breaks. */
    PlayedServer thenBreaks(String... events) {
        answers.add(new Answer(200, "text/event-stream", String.join("", events), true));
        return this;
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + port());
    }

    int port() {
        return server.getAddress().getPort();
    }

    static String timeline(long sequence, String step, String details) {
        return "id: " + sequence + "\nevent: timeline\ndata: {\"sequence\":" + sequence + ",\"at_ms\":"
                + sequence * 1000 + ",\"step\":\"" + step + "\",\"text\":\"It is " + step + ".\",\"details\":{"
                + details + "}}\n\n";
    }

    static String session(String status) {
        return "event: session\ndata: {\"session_id\":\"s-1\",\"status\":\"" + status + "\"}\n\n";
    }

    @Override
    public void close() {
        server.stop(0);
        threads.close();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        requests.add((exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + body).strip());
        Answer answer = answers.remove();
        byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", answer.type());
        exchange.sendResponseHeaders(answer.status(), answer.broken() ? bytes.length + 1 : bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
            out.flush();
        }
    }
}
