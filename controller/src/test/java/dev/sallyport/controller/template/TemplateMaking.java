package dev.sallyport.controller.template;

import dev.sallyport.model.VmType;

/** Has templates made when a test wants them. */
public final class TemplateMaking {
    private TemplateMaking() {}

    /** Makes one; fails when it is not made. */
    public static void make(TemplateMaker maker, VmType type) {
        long before = maker.made();
        maker.look(type);
        if (maker.made() != before + 1) {
            throw new AssertionError("no template was made of " + type);
        }
    }

    /** Looks whether one is to be made, and makes it. */
    public static void look(TemplateMaker maker, VmType type) {
        maker.look(type);
    }
}
