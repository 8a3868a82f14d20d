package dev.sallyport.relay;

import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Decides who may see which screen. */
@FunctionalInterface
public interface Gate {
    /**
     * Lets a viewer in, or not. It may block: it is called on a server thread before the upgrade is answered.
     *
     * @param session whose screen
     * @param ticket as the address gave it; never valid when it gave none
     * @return where that screen is
     * @throws FailureException with the cause when the viewer is refused; it becomes the answer of the upgrade request
     */
    ScreenSource admit(SessionId session, Secret ticket);

    /** Answers a refused upgrade; replaced where problem documents are written in one place. */
    default void refuse(FailureException failure, Request request, Response response, Callback callback) {
        Response.writeError(
                request,
                response,
                callback,
                failure.reason().code().httpStatus(),
                failure.reason().code().sentence());
    }
}
