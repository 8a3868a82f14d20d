package dev.sallyport.model;

/** Thrown when a text is not a well-formed id. The offending text is left out on purpose: it may be hostile or a secret. */
public final class InvalidIdException extends IllegalArgumentException {
    InvalidIdException(String what, String form) {
        super("not a valid " + what + " (must match " + form + ")");
    }
}
