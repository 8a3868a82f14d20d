package dev.sallyport.controller.pool;

import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.VmType;

/** What machines can begin from. */
public interface TemplateSource {
    /** There are none. */
    TemplateSource NONE = new TemplateSource() {
        @Override
        public Found find(VmType type, TemplateKey key) {
            return new Found.None("no templates are made here");
        }

        @Override
        public void worked(VmType type, Template template) {}

        @Override
        public void unusable(VmType type, Template template, Cause cause) {}
    };

    /** What was found. */
    sealed interface Found {
        /** One to begin from. */
        record Usable(Template template) implements Found {}

        /**
         * None.
         *
         * @param why in a few words, as the timeline tells it
         */
        record None(String why) implements Found {}
    }

    /** What a machine of this key can begin from, at once. */
    Found find(VmType type, TemplateKey key) throws InterruptedException;

    /** A machine began from it and is up. */
    void worked(VmType type, Template template);

    /** A machine could not begin from it: it is set aside, and made anew. */
    void unusable(VmType type, Template template, Cause cause);
}
