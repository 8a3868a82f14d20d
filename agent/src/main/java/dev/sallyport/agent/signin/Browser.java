package dev.sallyport.agent.signin;

/** What shows a sign-in's page to the user. */
@FunctionalInterface
public interface Browser {
    /** Shows {@code url}, at once or as soon as it can. Never fails: the user may follow the URL in another browser. */
    void open(String url);
}
