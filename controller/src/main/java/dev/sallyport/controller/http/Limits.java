package dev.sallyport.controller.http;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;

/** Bounds of what a request may ask for. */
final class Limits {
    private static final int MOST = 200;

    private Limits() {}

    /** @return {@code asked} when it is from 1 to {@value #MOST} */
    static int page(int asked) {
        if (asked < 1 || asked > MOST) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "'limit' must be from 1 to " + MOST + ".");
        }
        return asked;
    }
}
