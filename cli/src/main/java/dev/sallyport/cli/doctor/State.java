package dev.sallyport.cli.doctor;

import java.util.Locale;

/** How bad a finding is. */
enum State {
    /** As it should be. */
    OK,
    /** It works, but worse than it could, or not for long. */
    WARNING,
    /** Sallyport, or a part of it, cannot work like this. */
    BROKEN;

    /** As it is told: in lower case. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
