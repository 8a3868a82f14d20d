package dev.sallyport.model;

/**
 * Told of each journalled step: an intent to make an outside thing or its undoing, a change of a session's or machine's state, a
 * version of credentials, a step of an image build. Tests of crashes end the program there; the program itself has no use for it.
 */
public interface StepHook {
    /** Does nothing. */
    StepHook NONE = new StepHook() {
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
