package dev.sallyport.controller.host;

import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionId;

/**
 * How controllers call each other: through the database, which carries no content, only that there is something to look at. A call
 * that is missed costs time, never a thing: everybody looks by themselves now and then.
 */
public interface Bells {
    /** For a controller that is alone. */
    Bells NONE = new Bells() {
        @Override
        public void session(SessionId id) {}

        @Override
        public void machine(MachineId id) {}
    };

    /** A session was made for another host, or ended by another one than its own. */
    void session(SessionId id);

    /** A machine of another host is to end. */
    void machine(MachineId id);
}
