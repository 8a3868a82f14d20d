package dev.sallyport.agent.signin;

import dev.sallyport.model.Cause;
import java.util.Optional;
import java.util.function.Consumer;

/** What shows a sign-in's page to the user. */
@FunctionalInterface
public interface Browser {
    /**
     * Shows {@code url}, at once or as soon as it can. Never fails: the user may follow the URL in another browser.
     *
     * @param told why the page could not be loaded, after it was tried more than once; empty when it was
     */
    void open(String url, Consumer<Optional<Cause>> told);
}
