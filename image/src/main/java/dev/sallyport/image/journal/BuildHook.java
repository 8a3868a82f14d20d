package dev.sallyport.image.journal;

/**
 * Told of each step of a build that is written down, or that can be seen from outside. Tests of crashes end the program there; the
 * program itself has no use for it.
 */
public interface BuildHook {
    /** Does nothing. */
    BuildHook NONE = new BuildHook() {
        @Override
        public void before(String step) {}

        @Override
        public void after(String step) {}
    };

    /** The step is about to be taken. */
    void before(String step);

    /** The step is durable. */
    void after(String step);
}
