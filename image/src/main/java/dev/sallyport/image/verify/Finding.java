package dev.sallyport.image.verify;

import dev.sallyport.model.CauseCode;

/**
 * Something that the verifier found in an image.
 *
 * @param severity how bad it is
 * @param code the cause that a machine of the image would fail with; {@code IMAGE_UNSOUND} where it would come up and must not
 * @param path where, in the merged tree or of a layer's file
 * @param line the line in that file, from 1; 0 where it is about the whole
 * @param text what, in one sentence
 * @param remedy what to do, in one sentence
 */
public record Finding(Severity severity, CauseCode code, String path, int line, String text, String remedy) {
    private static final int MAX_TEXT = 600;

    /** How bad a finding is. */
    public enum Severity {
        /** The image's machines will not come up, or must not. */
        ERROR,
        /** Something will not work in them. */
        WARNING
    }

    /** What comes out of an image is hostile: control characters go, and length is bounded. */
    public Finding {
        path = clean(path);
        text = clean(text);
        remedy = clean(remedy);
    }

    static Finding error(CauseCode code, String path, String text, String remedy) {
        return new Finding(Severity.ERROR, code, path, 0, text, remedy);
    }

    /** True when an image with this must not become current. */
    public boolean isError() {
        return severity == Severity.ERROR;
    }

    /** The path, with the line where there is one. */
    public String where() {
        return line == 0 ? path : path + ":" + line;
    }

    private static String clean(String text) {
        String printable = text.replaceAll("[\\p{Cntrl}\u0080-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]", "?");
        return printable.length() <= MAX_TEXT ? printable : printable.substring(0, MAX_TEXT - 1) + "…";
    }

    @Override
    public String toString() {
        return severity + " " + code + " " + where() + ": " + text + " " + remedy;
    }
}
