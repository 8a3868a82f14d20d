package dev.sallyport.controller.http;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who makes a request.
 *
 * @param user whose token it is; empty for the admin
 */
record Caller(Optional<UserId> user) {
    static final Caller ADMIN = new Caller(Optional.empty());

    boolean isAdmin() {
        return user.isEmpty();
    }

    void mustBeAdmin() {
        if (!isAdmin()) {
            throw FailureException.of(CauseCode.FORBIDDEN, "This needs the admin token.");
        }
    }

    /** Refuses what belongs to another user as if it were not there: ids of others' things are nobody's business. */
    void mustOwn(UserId owner, String what) {
        if (!isAdmin() && !user.equals(Optional.of(owner))) {
            throw FailureException.of(CauseCode.NOT_FOUND, "There is no such " + what + ".");
        }
    }

    /** The user that a request is about: the caller's own, or for the admin the one named. */
    UserId actingFor(@Nullable String named) {
        if (isAdmin()) {
            if (named == null) {
                throw FailureException.of(CauseCode.BAD_REQUEST, "The field 'userId' is missing.");
            }
            return new UserId(named);
        }
        if (named != null && !user.equals(Optional.of(new UserId(named)))) {
            throw FailureException.of(CauseCode.FORBIDDEN, "This token acts for its own user alone.");
        }
        return user.orElseThrow();
    }
}
