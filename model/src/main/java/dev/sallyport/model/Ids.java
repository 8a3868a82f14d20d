package dev.sallyport.model;

import java.security.SecureRandom;
import java.util.regex.Pattern;

/** Makes and checks the textual forms of ids. Ids end up in file names, interface names and URLs, so their alphabet is small. */
final class Ids {
    /** RFC 4648 base32 alphabet in lower case: safe in file names, host names and URLs, and hard to misread. */
    private static final char[] ALPHABET = "abcdefghijklmnopqrstuvwxyz234567".toCharArray();

    private static final SecureRandom RANDOM = new SecureRandom();

    private Ids() {}

    /** {@code length} random characters, five bits each. */
    static String random(int length) {
        var text = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            text.append(ALPHABET[RANDOM.nextInt(ALPHABET.length)]);
        }
        return text.toString();
    }

    static String check(String what, Pattern form, String value) {
        if (value == null || !form.matcher(value).matches()) {
            throw new InvalidIdException(what, form.pattern());
        }
        return value;
    }
}
