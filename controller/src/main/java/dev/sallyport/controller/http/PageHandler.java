package dev.sallyport.controller.http;

import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Serves the page from the class path's {@code web/} folder. Addresses that the page routes itself ({@code /}, {@code /causes}, {@code /s/…})
 * get its one document.
 */
final class PageHandler extends Handler.Abstract {
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "txt", "text/plain; charset=utf-8",
            "svg", "image/svg+xml",
            "png", "image/png",
            "ico", "image/x-icon");
    // The page shows what came out of machines: nothing but its own code may run in it.
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                    + "require-trusted-types-for 'script'; trusted-types 'none'";

    private static final Pattern SESSION = Pattern.compile("/s/(s-[a-z2-7]{20})(/.*)?");

    private final Map<String, Optional<byte[]>> files = new ConcurrentHashMap<>();
    private final Function<SessionId, Optional<URI>> elsewhere;

    /** @param elsewhere the controller that works on a session, when it is another one: its screen is there */
    PageHandler(Function<SessionId, Optional<URI>> elsewhere) {
        this.elsewhere = elsewhere;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        String path = Request.getPathInContext(request);
        if (!request.getMethod().equals("GET") && !request.getMethod().equals("HEAD")) {
            return false;
        }
        Optional<URI> other = otherOf(path);
        if (other.isPresent()) {
            // A browser takes the fragment, with the page's token, along.
            Response.sendRedirect(
                    request,
                    response,
                    callback,
                    HttpStatus.TEMPORARY_REDIRECT_307,
                    other.get().resolve(path).toString(),
                    true);
            return true;
        }
        boolean routed = path.equals("/") || path.equals("/causes") || path.startsWith("/s/");
        String name = routed ? "index.html" : path.substring(1);
        String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
        if (type == null || name.contains("..") || name.contains("//")) {
            return false;
        }
        Optional<byte[]> content = files.computeIfAbsent(name, PageHandler::read);
        if (content.isEmpty()) {
            files.remove(name);
            return false;
        }
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
        response.getHeaders().put("Content-Security-Policy", POLICY);
        response.getHeaders().put("X-Content-Type-Options", "nosniff");
        response.getHeaders().put("Referrer-Policy", "no-referrer");
        // Built files carry their digest in their names; the document does not.
        response.getHeaders()
                .put(HttpHeader.CACHE_CONTROL, name.startsWith("assets/") ? "max-age=31536000, immutable" : "no-cache");
        response.write(true, ByteBuffer.wrap(content.get()), callback);
        return true;
    }

    private Optional<URI> otherOf(String path) {
        Matcher session = SESSION.matcher(path);
        try {
            return session.matches() ? elsewhere.apply(new SessionId(session.group(1))) : Optional.empty();
        } catch (FailureException e) {
            return Optional.empty(); // The page itself will show that the database is away.
        }
    }

    private static Optional<byte[]> read(String name) {
        try (InputStream in = PageHandler.class.getResourceAsStream("/web/" + name)) {
            return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("the page's file " + name + " cannot be read", e);
        }
    }
}
