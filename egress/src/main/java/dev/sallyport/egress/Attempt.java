package dev.sallyport.egress;

import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How one request's connection went, taken down by whoever sees a part of it: LittleProxy tells the filters of a request only
 * that it failed. Its fields are written by event loops and read by the one that answers.
 */
final class Attempt {
    /** The status of the upstream proxy that wants to know who we are. */
    static final int PASSWORD_WANTED = 407;

    private volatile long startedAt;
    private volatile int status;
    private volatile @Nullable Throwable failure;

    /** The connection is being made. */
    void started() {
        startedAt = System.nanoTime();
    }

    /** The upstream proxy answered with an HTTP status. */
    void answered(int httpStatus) {
        status = httpStatus;
    }

    /** The connection to the upstream proxy failed; null when the proxy's answer was the reason. */
    void failed(@Nullable Throwable cause) {
        failure = cause;
    }

    /** What the upstream proxy answered with; 0 when it has not. */
    int status() {
        return status;
    }

    /**
     * Why there is no connection, as the end of a sentence.
     *
     * @param longest how long a connection may take to be made
     */
    String why(Duration longest) {
        if (status != 0) {
            return "the proxy answered with status " + status;
        }
        Throwable seen = failure;
        if (seen instanceof NoRouteToHostException) {
            return "there is no route to it";
        }
        // Of direct connections LittleProxy does not tell the reason; the time that it took does.
        if (startedAt != 0 && System.nanoTime() - startedAt >= longest.toNanos()) {
            return "it did not answer within " + longest.toMillis() + " ms";
        }
        return seen instanceof ConnectException || seen == null
                ? "the connection was refused"
                : "the connection broke off (" + Texts.printable(seen.getClass().getSimpleName()) + ")";
    }
}
