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
        GONE
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
            .build();

    private MachineLife() {}
}
