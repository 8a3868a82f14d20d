package dev.sallyport.agent.signin;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.provider.Provider;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which addresses are replayed to a tool: the callback of this very sign-in on this machine's loopback.
 *
 * @param callback the provider's rules
 * @param authorization the URL that the sign-in opened
 */
record CallbackRule(Provider.Callback callback, URI authorization) {
    private static final int MAX_ADDRESS = 16 * 1024;
    private static final Pattern ERROR = Pattern.compile("[a-z_]{1,40}");
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost");

    /**
     * Checks {@code address}.
     *
     * @throws FailureException CALLBACK_NOT_ALLOWED
     */
    URI check(String address) {
        URI uri;
        try {
            uri = new URI(address.strip());
        } catch (URISyntaxException e) {
            throw refused("It is no well-formed address.");
        }
        String host = uri.getHost();
        if (address.length() > MAX_ADDRESS
                || !"http".equalsIgnoreCase(uri.getScheme())
                || host == null
                || !LOOPBACK.contains(host)
                || uri.getRawUserInfo() != null
                || uri.getPort() < 1) {
            throw refused("It is not of the form http://localhost:PORT" + callback.path() + ".");
        }
        if (!callback.path().equals(uri.getRawPath())) {
            throw refused("Its path is not " + callback.path() + ".");
        }
        if (!isPort(uri.getPort())) {
            throw refused("Port " + uri.getPort() + " is not the one that the tool listens on.");
        }
        Optional<String> state = parameter(authorization, "state");
        Optional<String> given = parameter(uri, "state");
        if (state.isPresent() && given.isPresent() && !state.equals(given)) {
            throw refused("It belongs to another sign-in.");
        }
        return uri;
    }

    /**
     * Why the authorization server gave no code (RFC 6749, section 4.1.2.1), when {@code checked} says so. An address without
     * this sign-in's state says nothing: anybody could have written it.
     */
    Optional<Cause> refusal(URI checked) {
        Optional<String> error = parameter(checked, "error").filter(code -> ERROR.matcher(code).matches());
        if (error.isEmpty() || !parameter(authorization, "state").equals(parameter(checked, "state"))) {
            return Optional.empty();
        }
        return Optional.of(Cause.of(
                error.get().equals("access_denied") ? CauseCode.USER_DENIED : CauseCode.TOKEN_REFUSED,
                "The identity provider says so in the callback.",
                "callback: error=" + error.get()));
    }

    private boolean isPort(int port) {
        // What the tool told the authorization server is nearer the truth than what it may use.
        Optional<Integer> told = parameter(authorization, "redirect_uri").flatMap(CallbackRule::port);
        if (told.isPresent()) {
            return told.get() == port && (callback.ports().isEmpty() || callback.ports().contains(port));
        }
        return callback.ports().contains(port);
    }

    private static Optional<Integer> port(String redirect) {
        try {
            URI uri = new URI(redirect);
            return uri.getHost() != null && LOOPBACK.contains(uri.getHost()) && uri.getPort() > 0
                    ? Optional.of(uri.getPort())
                    : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> parameter(URI uri, String name) {
        String query = uri.getRawQuery();
        if (query == null) {
            return Optional.empty();
        }
        for (String pair : query.split("&", -1)) {
            if (pair.startsWith(name + "=")) {
                try {
                    return Optional.of(URLDecoder.decode(pair.substring(name.length() + 1), StandardCharsets.UTF_8));
                } catch (IllegalArgumentException e) {
                    return Optional.empty();
                }
            }
        }
        return Optional.empty();
    }

    private static FailureException refused(String why) {
        return FailureException.of(CauseCode.CALLBACK_NOT_ALLOWED, why);
    }
}
