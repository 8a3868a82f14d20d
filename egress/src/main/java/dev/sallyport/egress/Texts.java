package dev.sallyport.egress;

import java.nio.charset.StandardCharsets;

/** Makes what a machine sent fit to be shown. */
final class Texts {
    private static final int MAX = 253;

    private Texts() {}

    /** {@code text} with anything but plain ASCII replaced by {@code ?}, and not longer than a host name may be. */
    static String printable(String text) {
        var shown = new StringBuilder();
        for (int i = 0; i < Math.min(text.length(), MAX); i++) {
            char c = text.charAt(i);
            shown.append(c > ' ' && c < 0x7f ? c : '?');
        }
        return shown.toString();
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
