package dev.sallyport.model;

import java.util.regex.Pattern;

/**
 * Identifies one sign-in session: {@code s-} and 20 base32 characters (100 random bits).
 *
 * @param value the textual form
 */
public record SessionId(String value) {
    private static final Pattern FORM = Pattern.compile("s-[a-z2-7]{20}");

    /** @throws InvalidIdException when {@code value} is not of the form */
    public SessionId {
        Ids.check("session id", FORM, value);
    }

    /** A fresh random id. */
    public static SessionId random() {
        return new SessionId("s-" + Ids.random(20));
    }

    @Override
    public String toString() {
        return value;
    }
}
