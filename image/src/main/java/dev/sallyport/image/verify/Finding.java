package dev.sallyport.image.verify;

/**
 * Something that the verifier found in an image.
 *
 * @param severity how bad it is
 * @param path where, in the merged tree or of a layer's file
 * @param text what, in one sentence
 * @param remedy what to do, in one sentence
 */
public record Finding(Severity severity, String path, String text, String remedy) {
    /** How bad a finding is. */
    public enum Severity {
        /** The image's machines will not come up, or must not. */
        ERROR,
        /** Something will not work in them. */
        WARNING
    }

    static Finding error(String path, String text, String remedy) {
        return new Finding(Severity.ERROR, path, text, remedy);
    }

    static Finding warning(String path, String text, String remedy) {
        return new Finding(Severity.WARNING, path, text, remedy);
    }

    /** True when an image with this must not become current. */
    public boolean isError() {
        return severity == Severity.ERROR;
    }

    @Override
    public String toString() {
        return severity + " " + path + ": " + text + " " + remedy;
    }
}
