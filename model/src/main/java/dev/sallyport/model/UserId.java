package dev.sallyport.model;

import java.util.regex.Pattern;

/**
 * Names a user of the service, as the program that calls the API knows them.
 *
 * @param value 1 to 64 characters: letters, digits, {@code . _ @ + -}, beginning with a letter or digit
 */
public record UserId(String value) {
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}");

    /** @throws InvalidIdException when {@code value} is not of the form */
    public UserId {
        Ids.check("user id", FORM, value);
    }

    @Override
    public String toString() {
        return value;
    }
}
