package dev.sallyport.acceptance.standin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Answers for every stand-in host, told apart by the request's host. */
final class VendorHandler extends Handler.Abstract {
    private static final String TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, OAuthServer> servers;
    private final Ledger ledger;

    /** @param servers the identity providers by host */
    VendorHandler(Map<String, OAuthServer> servers, Ledger ledger) {
        this.servers = Map.copyOf(servers);
        this.ledger = ledger;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        String host = Request.getServerName(request);
        String path = Request.getPathInContext(request);
        ledger.count(request.getMethod() + " " + host + path);
        Answer answer = ledger.has(Fault.BROKEN)
                ? Answer.error(503, "temporarily_unavailable", "The stand-in was told to be broken.")
                : answer(request, host, path);
        response.setStatus(answer.status());
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, answer.type());
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        response.getHeaders().put("Referrer-Policy", "no-referrer");
        if (!answer.location().isEmpty()) {
            response.getHeaders().put(HttpHeader.LOCATION, answer.location());
        }
        Content.Sink.write(response, true, answer.body(), callback);
        return true;
    }

    private Answer answer(Request request, String host, String path) throws Exception {
        OAuthServer server = servers.get(host);
        if (server == null) {
            return Answer.error(404, "not_found", "The stand-in plays no part of " + host + ".");
        }
        return switch (request.getMethod() + " " + path) {
            case "GET /oauth/authorize" ->
                server.authorize(form(String.valueOf(request.getHttpURI().getQuery())));
            case "POST /oauth/decide" -> server.decide(body(request));
            case "POST /oauth/token" -> token(server, host, body(request));
            case "POST /oauth/revoke" -> server.revoke(body(request));
            case "GET /userinfo" -> server.userinfo(request.getHeaders().get(HttpHeader.AUTHORIZATION));
            default -> Answer.error(404, "not_found", "The stand-in has no such address.");
        };
    }

    /** Codex trades its id token for an API key too; a vendor's account without API access is refused that, and so is this one. */
    private static Answer token(OAuthServer server, String host, Map<String, String> form) {
        return host.equals(StandInVendors.OPENAI_HOST) && TOKEN_EXCHANGE.equals(form.get("grant_type"))
                ? Answer.error(401, "invalid_request", "This account has no API organization.")
                : server.token(form);
    }

    private static Map<String, String> body(Request request) throws Exception {
        String text = Content.Source.asString(request, StandardCharsets.UTF_8);
        String type = String.valueOf(request.getHeaders().get(HttpHeader.CONTENT_TYPE));
        if (!type.startsWith("application/json")) {
            return form(text);
        }
        Map<String, String> fields = new HashMap<>();
        try {
            JSON.readValue(text, new TypeReference<Map<String, Object>>() {})
                    .forEach((name, value) -> fields.put(name, String.valueOf(value)));
        } catch (JsonProcessingException e) {
            return Map.of(); // Nothing is in it, so that the address answers what it lacks.
        }
        return fields;
    }

    private static Map<String, String> form(String text) {
        Map<String, String> fields = new HashMap<>();
        for (String pair : text.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                fields.put(decode(pair.substring(0, equals)), decode(pair.substring(equals + 1)));
            }
        }
        return fields;
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text; // Not encoded as it should be: taken as it stands, and refused as any other wrong value.
        }
    }
}
