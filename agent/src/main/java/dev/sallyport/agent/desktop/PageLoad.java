package dev.sallyport.agent.desktop;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/**
 * Loads one page in Chromium, by the DevTools protocol's {@code Page.navigate}, and again when it fails: a network may fail for
 * a moment, and whoever watches the machine's way out then sees the same twice.
 */
final class PageLoad {
    /** How often it is tried. */
    static final int TRIES = 3;

    private static final Duration BETWEEN = Duration.ofMillis(1500);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(30);

    /** Chromium's names for network errors (net/base/net_error_list.h). */
    private static final Pattern ERROR = Pattern.compile("net::ERR_[A-Z0-9_]{1,80}");

    private final DevTools devTools;
    private final String session;
    private final String url;

    PageLoad(DevTools devTools, String session, String url) {
        this.devTools = devTools;
        this.session = session;
        this.url = url;
    }

    /**
     * Loads it.
     *
     * @param wanted asked before each further try
     * @return a failure's cause, or empty within when the page was loaded; nothing when it is not wanted any more, or was left
     * @throws IOException when Chromium does not answer
     */
    Optional<Optional<Cause>> run(BooleanSupplier wanted) throws IOException, InterruptedException {
        String error = "";
        for (int i = 0; i < TRIES; i++) {
            if (i > 0) {
                TimeUnit.NANOSECONDS.sleep(BETWEEN.toNanos());
            }
            if (!wanted.getAsBoolean()) {
                return Optional.empty();
            }
            error = devTools.call(session, "Page.navigate", devTools.parameters().put("url", url), CALL_LIMIT)
                    .path("errorText")
                    .asText();
            if (error.isEmpty()) {
                return Optional.of(Optional.empty());
            }
            if (error.equals("net::ERR_ABORTED")) {
                return Optional.empty(); // Another page took its place.
            }
        }
        return wanted.getAsBoolean() ? Optional.of(Optional.of(cause(url, error))) : Optional.empty();
    }

    /** What Chromium's {@code error} on loading {@code url} means. */
    static Cause cause(String url, String error) {
        String name = ERROR.matcher(error).matches() ? error : "an error without a name";
        CauseCode code =
                switch (name) {
                    case "net::ERR_PROXY_CONNECTION_FAILED", "net::ERR_INTERNET_DISCONNECTED" -> CauseCode.EGRESS_DOWN;
                    default -> CauseCode.UPSTREAM_UNREACHABLE;
                };
        URI page = URI.create(url);
        return Cause.of(
                code,
                "The sign-in page does not load.",
                "Chromium on " + page.getScheme() + "://" + page.getRawAuthority() + page.getRawPath() + ": " + name
                        + ", " + TRIES + " times");
    }
}
