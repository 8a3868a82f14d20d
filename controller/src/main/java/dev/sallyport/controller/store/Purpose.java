package dev.sallyport.controller.store;

import java.util.Locale;

/** What a machine is for. */
public enum Purpose {
    /** A user's. */
    USER,
    /** Kept ready for whoever needs one next. */
    POOL,
    /** Other machines begin from what it was. */
    TEMPLATE;

    /** As the API and the database name it. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Purpose ofWire(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }
}
