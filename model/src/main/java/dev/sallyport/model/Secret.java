package dev.sallyport.model;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Objects;

/**
 * A text that must not be shown: prints as {@code ***} wherever it lands (logs, exceptions, string concatenation), is
 * compared in constant time, and has no serial form. {@link #reveal()} is the only way to the text, and easy to search for.
 */
public final class Secret {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final String text;

    private Secret(String text) {
        this.text = Objects.requireNonNull(text);
    }

    /** Wraps {@code text}. */
    public static Secret of(String text) {
        return new Secret(text);
    }

    /** A fresh secret of {@code bytes} random bytes, as unpadded URL-safe base64 (RFC 4648, section 5). */
    public static Secret random(int bytes) {
        byte[] raw = new byte[bytes];
        RANDOM.nextBytes(raw);
        return new Secret(Base64.getUrlEncoder().withoutPadding().encodeToString(raw));
    }

    /** The text itself. Whoever calls this answers for where it goes. */
    public String reveal() {
        return text;
    }

    /** The SHA-256 digest of the UTF-8 text in lower-case hexadecimal: what may be stored or told where the secret may not. */
    public String sha256() {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Secret that
                && MessageDigest.isEqual(
                        text.getBytes(StandardCharsets.UTF_8), that.text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public int hashCode() {
        return sha256().hashCode();
    }

    /** Always {@code ***}. */
    @Override
    public String toString() {
        return "***";
    }
}
