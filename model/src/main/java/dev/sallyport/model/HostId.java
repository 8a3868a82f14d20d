package dev.sallyport.model;

import java.util.regex.Pattern;

/**
 * Identifies one host, which is a controller with its data folder: {@code h-} and 12 base32 characters (60 random bits).
 *
 * @param value the textual form
 */
public record HostId(String value) {
    private static final Pattern FORM = Pattern.compile("h-[a-z2-7]{12}");

    /** @throws InvalidIdException when {@code value} is not of the form */
    public HostId {
        Ids.check("host id", FORM, value);
    }

    /** A fresh random id. */
    public static HostId random() {
        return new HostId("h-" + Ids.random(12));
    }

    @Override
    public String toString() {
        return value;
    }
}
