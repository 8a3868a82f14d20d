package dev.sallyport.agent.http;

import com.sun.net.httpserver.HttpExchange;
import dev.sallyport.agentapi.AgentJson;
import dev.sallyport.agentapi.MalformedJsonException;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One request, as its endpoint sees it. */
public final class Call {
    private final HttpExchange exchange;
    private final AgentJson json;

    Call(HttpExchange exchange, AgentJson json) {
        this.exchange = exchange;
        this.json = json;
    }

    /** The path. */
    public String path() {
        return exchange.getRequestURI().getPath();
    }

    /** A query parameter's first value. */
    public Optional<String> query(String name) {
        String raw = exchange.getRequestURI().getRawQuery();
        if (raw == null) {
            return Optional.empty();
        }
        for (String pair : raw.split("&", -1)) {
            if (pair.startsWith(name + "=")) {
                try {
                    return Optional.of(URLDecoder.decode(pair.substring(name.length() + 1), StandardCharsets.UTF_8));
                } catch (IllegalArgumentException e) {
                    throw FailureException.of(CauseCode.BAD_REQUEST, "The query parameter " + name + " is not well-formed.");
                }
            }
        }
        return Optional.empty();
    }

    /**
     * A query parameter that must be there.
     *
     * @throws FailureException BAD_REQUEST when it is not
     */
    public String needed(String name) {
        return query(name)
                .filter(value -> !value.isEmpty())
                .orElseThrow(() ->
                        FailureException.of(CauseCode.BAD_REQUEST, "The query parameter " + name + " is missing."));
    }

    /**
     * A numeric query parameter, cut to a range.
     *
     * @throws FailureException BAD_REQUEST when it is not a number
     */
    public long number(String name, long otherwise, long least, long most) {
        Optional<String> text = query(name);
        if (text.isEmpty()) {
            return otherwise;
        }
        try {
            return Math.clamp(Long.parseLong(text.get()), least, most);
        } catch (NumberFormatException e) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The query parameter " + name + " is not a number.");
        }
    }

    /**
     * The body.
     *
     * @param limit most bytes
     * @throws FailureException BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE or BAD_REQUEST
     * @throws IOException when the connection broke
     */
    public <T extends Record> T body(Class<T> type, int limit) throws IOException {
        String mediaType = exchange.getRequestHeaders().getFirst("Content-Type");
        if (!isJson(mediaType)) {
            throw FailureException.of(CauseCode.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.");
        }
        byte[] bytes = exchange.getRequestBody().readNBytes(limit + 1);
        if (bytes.length > limit) {
            throw FailureException.of(CauseCode.BODY_TOO_LARGE, "The limit is " + limit + " bytes.");
        }
        try {
            return json.read(bytes, type);
        } catch (MalformedJsonException e) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The body is not well-formed: " + e.getMessage() + ".");
        }
    }

    private static boolean isJson(@Nullable String mediaType) {
        if (mediaType == null) {
            return false;
        }
        int end = mediaType.indexOf(';');
        return (end < 0 ? mediaType : mediaType.substring(0, end)).strip().equalsIgnoreCase("application/json");
    }
}
