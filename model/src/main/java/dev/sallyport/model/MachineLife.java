package dev.sallyport.model;

/** The life of a machine as an explicit table. */
public final class MachineLife {
    /** What can happen to a machine. */
    public enum Event {
        /** The driver begins to make it. */
        START,
        /** Its agent answered. */
        AGENT_READY,
        /** It is to end: its work is done, it failed, or nobody needs it. */
        END,
        /** Everything of it was undone. */
        GONE,
        /** Its host's lease lapsed. */
        LOSE
    }

    /** The table. */
    public static final TransitionTable<MachineState, Event> TABLE = TransitionTable.<MachineState, Event>startingIn(
                    "machine", MachineState.PLANNED)
            .add(MachineState.PLANNED, Event.START, MachineState.STARTING)
            .add(MachineState.PLANNED, Event.END, MachineState.DESTROYING)
            .add(MachineState.STARTING, Event.AGENT_READY, MachineState.READY)
            .add(MachineState.STARTING, Event.END, MachineState.DESTROYING)
            .add(MachineState.READY, Event.END, MachineState.DESTROYING)
            .add(MachineState.DESTROYING, Event.GONE, MachineState.DESTROYED)
            .add(MachineState.PLANNED, Event.LOSE, MachineState.LOST)
            .add(MachineState.STARTING, Event.LOSE, MachineState.LOST)
            .add(MachineState.READY, Event.LOSE, MachineState.LOST)
            .add(MachineState.DESTROYING, Event.LOSE, MachineState.LOST)
            // Its host came back, and undid what was left.
            .add(MachineState.LOST, Event.GONE, MachineState.DESTROYED)
            .build();

    private MachineLife() {}
}
