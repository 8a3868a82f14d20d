package dev.sallyport.image.verify.systemd;

import java.util.ArrayList;
import java.util.List;

/** Splits values into words with systemd's quoting (systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting"). */
public final class Words {
    /** A quote is not closed, or an escape is unknown. */
    public static final class BadQuotingException extends Exception {
        private static final long serialVersionUID = 1L;

        BadQuotingException(String message) {
            super(message);
        }
    }

    /**
     * A word of a value.
     *
     * @param text without its quotes
     * @param plain true when nothing of it was quoted or escaped
     */
    public record Word(String text, boolean plain) {}

    private Words() {}

    /** The words of {@code value}. */
    public static List<Word> split(String value) throws BadQuotingException {
        List<Word> words = new ArrayList<>();
        int at = 0;
        while (at < value.length()) {
            if (Character.isWhitespace(value.charAt(at))) {
                at++;
                continue;
            }
            var word = new StringBuilder();
            at = word(value, at, word, words);
        }
        return words;
    }

    /** The words of {@code value}; none when its quoting is wrong, which is told where the unit is read. */
    public static List<Word> understood(String value) {
        try {
            return split(value);
        } catch (BadQuotingException e) {
            return List.of();
        }
    }

    /** Names that blanks separate, such as those of units; quoting that is odd is not minded. */
    public static List<String> plain(String value) {
        List<String> words = new ArrayList<>();
        for (String word : value.strip().split("\\s+", -1)) {
            if (!word.isEmpty()) {
                words.add(word.replaceAll("^[\"']|[\"']$", ""));
            }
        }
        return words;
    }

    private static int word(String value, int from, StringBuilder word, List<Word> words) throws BadQuotingException {
        char quote = 0;
        boolean plain = true;
        int at = from;
        while (at < value.length()) {
            char c = value.charAt(at);
            if (c == '\\') {
                plain = false;
                at = escape(value, at + 1, word);
                continue;
            }
            at++;
            if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '"' || c == '\'') {
                quote = c;
                plain = false;
            } else if (Character.isWhitespace(c)) {
                break;
            } else {
                word.append(c);
            }
        }
        if (quote != 0) {
            throw new BadQuotingException("a quote is not closed");
        }
        words.add(new Word(word.toString(), plain));
        return at;
    }

    private static int escape(String value, int at, StringBuilder word) throws BadQuotingException {
        if (at >= value.length()) {
            throw new BadQuotingException("a backslash ends it");
        }
        char c = value.charAt(at);
        int known = "abfnrtv\\\"'s".indexOf(c);
        if (known >= 0) {
            word.append("\u0007\b\f\n\r\t\u000b\\\"' ".charAt(known));
            return at + 1;
        }
        String rest = value.substring(at, Math.min(value.length(), at + 9));
        if (rest.matches("x[0-9a-fA-F]{2}.*")) {
            word.append((char) Integer.parseInt(rest.substring(1, 3), 16));
            return at + 3;
        }
        if (rest.matches("[0-3][0-7]{2}.*")) {
            word.append((char) Integer.parseInt(rest.substring(0, 3), 8));
            return at + 3;
        }
        if (rest.matches("u[0-9a-fA-F]{4}.*")) {
            word.append((char) Integer.parseInt(rest.substring(1, 5), 16));
            return at + 5;
        }
        throw new BadQuotingException("the escape \\" + c + " is unknown");
    }
}
