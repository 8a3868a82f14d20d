package dev.sallyport.agent.signin;

import java.util.regex.Pattern;

/** Takes out of a tool's words what may not be shown. */
public final class Redaction {
    /** A URL's query and fragment carry states, codes and tokens. */
    private static final Pattern QUERY = Pattern.compile("(https?://[^\\s?#\"'<>]*)[?#][^\\s\"'<>]*");

    /** A long run of a token's characters with a digit in it; a path's parts are shorter, and apart. */
    private static final Pattern TOKEN = Pattern.compile("(?=[\\w.~+=-]{0,200}?\\d)[\\w.~+=-]{32,}+");

    private Redaction() {}

    /** {@code text} without queries and tokens. */
    public static String of(String text) {
        return TOKEN.matcher(QUERY.matcher(text).replaceAll("$1?***")).replaceAll("***");
    }
}
