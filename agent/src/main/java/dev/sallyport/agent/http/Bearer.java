package dev.sallyport.agent.http;

import dev.sallyport.model.Secret;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks {@code Authorization: Bearer TOKEN} (RFC 6750, section 2.1) against the token's digest, in constant time.
 *
 * @param sha256 tells the hexadecimal digest that the right token has now
 */
public record Bearer(Supplier<String> sha256) {
    private static final String SCHEME = "Bearer ";

    /** True when {@code authorization} (a header's value, null when it was not sent) carries the right token. */
    public boolean admits(@Nullable String authorization) {
        if (authorization == null || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return false;
        }
        String given =
                Secret.of(authorization.substring(SCHEME.length()).strip()).sha256();
        return MessageDigest.isEqual(
                given.getBytes(StandardCharsets.US_ASCII), sha256.get().getBytes(StandardCharsets.US_ASCII));
    }
}
