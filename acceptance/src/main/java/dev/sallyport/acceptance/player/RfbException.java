package dev.sallyport.acceptance.player;

import java.io.IOException;

/** The screen's server broke the RFB protocol (RFC 6143), or went over a bound. */
public final class RfbException extends IOException {
    private static final long serialVersionUID = 1L;

    RfbException(String message) {
        super(message);
    }
}
