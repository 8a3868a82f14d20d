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
    private static final int TRIES = 3;

    /**
     * So long a gateway that cannot be connected to may stay away: it goes and comes with its controller, and there is nobody who could be told
     * before that is back.
     */
    private static final Duration GATEWAY_BACK = Duration.ofSeconds(20);

    private static final Duration BETWEEN = Duration.ofMillis(1500);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(30);
    private static final String NO_GATEWAY = "net::ERR_PROXY_CONNECTION_FAILED";

    /** Chromium's names for network errors (net/base/net_error_list.h). */
    private static final Pattern ERROR = Pattern.compile("net::ERR_[A-Z0-9_]{1,80}");

    private final Navigation navigation;
    private final String url;

    /** Asks Chromium once. */
    @FunctionalInterface
    interface Navigation {
        /** @return Chromium's name for what went wrong; empty when nothing did */
        String to(String url) throws IOException, InterruptedException;
    }

    PageLoad(Navigation navigation, String url) {
        this.navigation = navigation;
        this.url = url;
    }

    /** In a window of Chromium's. */
    static PageLoad in(DevTools devTools, String session, String url) {
        return new PageLoad(
                to -> devTools.call(
                                session, "Page.navigate", devTools.parameters().put("url", to), CALL_LIMIT)
                        .path("errorText")
                        .asText(),
                url);
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
        int times = 0;
        long began = System.nanoTime();
        for (int counted = 0; counted < TRIES; ) {
            if (times > 0) {
                TimeUnit.NANOSECONDS.sleep(BETWEEN.toNanos());
            }
            if (!wanted.getAsBoolean()) {
                return Optional.empty();
            }
            error = navigation.to(url);
            times++;
            if (error.isEmpty()) {
                return Optional.of(Optional.empty());
            }
            if (error.equals("net::ERR_ABORTED")) {
                return Optional.empty(); // Another page took its place.
            }
            if (!error.equals(NO_GATEWAY) || System.nanoTime() - began >= GATEWAY_BACK.toNanos()) {
                counted++;
            }
        }
        return wanted.getAsBoolean() ? Optional.of(Optional.of(cause(url, error, times))) : Optional.empty();
    }

    /** What Chromium's {@code error} on loading {@code url} means. */
    static Cause cause(String url, String error, int times) {
        String name = ERROR.matcher(error).matches() ? error : "an error without a name";
        CauseCode code = switch (name) {
            case NO_GATEWAY, "net::ERR_INTERNET_DISCONNECTED" -> CauseCode.EGRESS_DOWN;
            default -> CauseCode.UPSTREAM_UNREACHABLE;
        };
        URI page = URI.create(url);
        return Cause.of(
                code,
                "The sign-in page does not load.",
                "Chromium on " + page.getScheme() + "://" + page.getRawAuthority() + page.getRawPath() + ": " + name
                        + ", " + times + " times");
    }
}
