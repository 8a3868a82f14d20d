package dev.sallyport.model;

import java.util.Locale;

/** Where a machine stands. */
public enum MachineState {
    /** Written down; nothing of it need exist yet. */
    PLANNED,
    /** Its parts are being made, or it boots. */
    STARTING,
    /** Its agent answers. */
    READY,
    /** Its parts are being undone. */
    DESTROYING,
    /** Nothing of it is left but its logs. */
    DESTROYED,
    /** Its host's lease lapsed: whether it still runs is not known, and its host undoes it when it comes back. */
    LOST;

    /** The lower-case name, as in the API. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
