package dev.sallyport.agent.signin;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;

/**
 * Which authorization URLs are opened: HTTPS, at one of the provider's hosts, without user information, of a sane length.
 *
 * @param hosts exact names
 */
record UrlRule(List<String> hosts) {
    private static final int MAX_URL = 8 * 1024;

    /**
     * Checks {@code url}.
     *
     * @throws FailureException URL_NOT_ALLOWED
     */
    URI check(String url) {
        if (url.length() > MAX_URL) {
            throw FailureException.of(CauseCode.URL_NOT_ALLOWED, "The URL has " + url.length() + " characters.");
        }
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException e) {
            throw FailureException.of(CauseCode.URL_NOT_ALLOWED, "It is no well-formed URL.", Redaction.of(url));
        }
        if (!"https".equalsIgnoreCase(uri.getScheme())) {
            throw FailureException.of(CauseCode.URL_NOT_ALLOWED, "Only HTTPS is opened.", Redaction.of(url));
        }
        String host = uri.getHost();
        if (host == null || uri.getRawUserInfo() != null || (uri.getPort() != -1 && uri.getPort() != 443)) {
            throw FailureException.of(
                    CauseCode.URL_NOT_ALLOWED, "It must name a plain host on the usual port.", Redaction.of(url));
        }
        if (hosts.stream().noneMatch(allowed -> allowed.equals(host.toLowerCase(Locale.ROOT)))) {
            throw FailureException.of(
                    CauseCode.URL_NOT_ALLOWED, "The provider does not allow the host " + host + ".", Redaction.of(url));
        }
        return uri;
    }
}
