package dev.sallyport.controller.store;

import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionId;
import java.util.Locale;

/**
 * Names a timeline.
 *
 * @param kind of what
 * @param id the thing's id
 */
public record TimelineId(Kind kind, String id) {
    /** Of what a timeline is. */
    public enum Kind {
        /** A sign-in session. */
        SESSION,
        /** A machine. */
        MACHINE;

        String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The timeline of a session. */
    public static TimelineId of(SessionId session) {
        return new TimelineId(Kind.SESSION, session.value());
    }

    /** The timeline of a machine. */
    public static TimelineId of(MachineId machine) {
        return new TimelineId(Kind.MACHINE, machine.value());
    }
}
