package dev.sallyport.egress;

import dev.sallyport.model.Secret;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP proxy that the gateway goes through, as networks of companies have it.
 *
 * @param host its name or address
 * @param port its port
 * @param user who we are to it; null when it does not ask
 * @param password for {@code user} (RFC 7617); null when it does not ask
 */
public record Upstream(
        String host,
        int port,
        @Nullable String user,
        @Nullable Secret password) {
    /**
     * @throws IllegalArgumentException when the port is none, or one of user and password is missing
     */
    public Upstream {
        if (host.isBlank() || port < 1 || port > 65_535) {
            throw new IllegalArgumentException("not a proxy's address: " + host + ":" + port);
        }
        if ((user == null) != (password == null)) {
            throw new IllegalArgumentException("a proxy's user and password go together");
        }
    }

    /** A proxy that does not ask who we are. */
    public static Upstream of(String host, int port) {
        return new Upstream(host, port, null, null);
    }

    /** The value of {@code Proxy-Authorization}; null when the proxy does not ask. */
    @Nullable
    Secret authorization() {
        if (user == null || password == null) {
            return null;
        }
        byte[] pair = (user + ":" + password.reveal()).getBytes(StandardCharsets.UTF_8);
        return Secret.of("Basic " + Base64.getEncoder().encodeToString(pair));
    }
}
