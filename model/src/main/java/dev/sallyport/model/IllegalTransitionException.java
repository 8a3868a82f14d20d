package dev.sallyport.model;

/** Thrown when something happened to a session or machine that its transition table does not allow: a defect, or a lost race. */
public final class IllegalTransitionException extends IllegalStateException {
    IllegalTransitionException(String table, Enum<?> from, Enum<?> on) {
        super("a " + table + " that is " + from + " cannot have " + on);
    }
}
