package dev.sallyport.controller.pool;

import dev.sallyport.model.VmType;
import java.time.Duration;

/** Told of what users want and of machines that are kept for them. Called on the paths of starts: it must return at once. */
public interface SpareListener {
    /** For whom nobody listens. */
    SpareListener NONE = new SpareListener() {};

    /** A user was given a machine that was kept ready, so soon. */
    default void claimed(VmType type, Duration took) {}

    /** A user wanted a machine, and none was kept ready. */
    default void missed(VmType type) {}

    /** A machine that was kept ready, or was to be, is no more. */
    default void gone(VmType type) {}
}
