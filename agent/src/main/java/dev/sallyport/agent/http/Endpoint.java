package dev.sallyport.agent.http;

import java.io.IOException;

/** Answers one kind of request with a record of the contract. */
@FunctionalInterface
public interface Endpoint {
    /**
     * Answers.
     *
     * @throws dev.sallyport.model.FailureException with the cause that the caller is told
     * @throws IOException when the connection broke or a file could not be used
     * @throws InterruptedException when the agent ends
     */
    Record answer(Call call) throws IOException, InterruptedException;
}
