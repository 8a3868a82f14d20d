package dev.sallyport.model;

import java.util.regex.Pattern;

/**
 * Names a provider: a tool that can be signed in to, such as {@code claude_code} or {@code codex}.
 *
 * @param value 1 to 32 characters: lower-case letters, digits and {@code _}, beginning with a letter
 */
public record ProviderId(String value) {
    private static final Pattern FORM = Pattern.compile("[a-z][a-z0-9_]{0,31}");

    /** @throws InvalidIdException when {@code value} is not of the form */
    public ProviderId {
        Ids.check("provider", FORM, value);
    }

    @Override
    public String toString() {
        return value;
    }
}
