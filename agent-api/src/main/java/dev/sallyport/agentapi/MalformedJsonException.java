package dev.sallyport.agentapi;

/** JSON that is not what the contract says. The message names the place, never the content. */
public final class MalformedJsonException extends Exception {
    private static final long serialVersionUID = 1L;

    public MalformedJsonException(String message) {
        super(message);
    }
}
