package dev.sallyport.controller.store;

/** Makes hostile text fit for the database and for people. */
final class Texts {
    private Texts() {}

    /**
     * {@code text} without control characters (PostgreSQL takes no NUL, terminals take too many others) and unpaired surrogates, and
     * of at most {@code most} UTF-16 units, the last of which is an ellipsis when something was cut off.
     */
    static String bounded(String text, int most) {
        var clean = new StringBuilder(Math.min(text.length(), most));
        for (int i = 0; i < text.length(); ) {
            int point = text.codePointAt(i);
            i += Character.charCount(point);
            if (clean.length() + Character.charCount(point) > most - (i < text.length() ? 1 : 0)) {
                return clean.append('…').toString();
            }
            if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
                clean.append('\ufffd');
            } else if (Character.isISOControl(point)) {
                clean.append(' ');
            } else {
                clean.appendCodePoint(point);
            }
        }
        return clean.toString();
    }
}
