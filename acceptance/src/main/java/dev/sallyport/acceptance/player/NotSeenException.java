package dev.sallyport.acceptance.player;

import java.io.IOException;

/** What was looked for did not appear; the message says what was seen last. */
public final class NotSeenException extends IOException {
    private static final long serialVersionUID = 1L;

    NotSeenException(String message) {
        super(message);
    }

    NotSeenException(String message, Throwable cause) {
        super(message, cause);
    }
}
