package dev.sallyport.egress;

import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a request asks for.
 *
 * @param host lower case, without a final dot
 * @param port the port
 * @param tunnel true for CONNECT, false for plain HTTP
 */
record Target(String host, int port, boolean tunnel) {
    private static final Pattern PORT = Pattern.compile("\\d{1,5}");
    /** Dotted, decimal, octal or hexadecimal: whatever a resolver could take for an IPv4 address, and IPv6. */
    private static final Pattern LITERAL = Pattern.compile("\\[.*|.*:.*|(.*\\.)?(0x[0-9a-f]*|\\d+)");

    /** Reads the request's target; null when it is neither an authority with its port nor an absolute {@code http} URI. */
    static @Nullable Target of(HttpRequest request) {
        if (request.method().equals(HttpMethod.CONNECT)) {
            String authority = request.uri();
            int colon = authority.lastIndexOf(':');
            String port = authority.substring(colon + 1);
            if (colon < 1 || !PORT.matcher(port).matches()) {
                return null;
            }
            return new Target(plain(authority.substring(0, colon)), Integer.parseInt(port), true);
        }
        try {
            var uri = new URI(request.uri());
            if (!"http".equalsIgnoreCase(uri.getScheme()) || uri.getHost() == null || uri.getUserInfo() != null) {
                return null;
            }
            return new Target(plain(uri.getHost()), uri.getPort() < 0 ? 80 : uri.getPort(), false);
        } catch (URISyntaxException e) {
            return null; // Told to the machine as what it is: no address.
        }
    }

    private static String plain(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    boolean isLiteral() {
        return LITERAL.matcher(host).matches();
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
