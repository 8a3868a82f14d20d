package dev.sallyport.machine;

import java.util.List;

/** Where outside things are written down before they are made. Implementations are durable. */
public interface ResourceLedger {
    /** Writes nothing down: for what whoever made it removes, or is found without a ledger ({@link MachineDriver#traces}). */
    ResourceLedger NONE = new ResourceLedger() {
        @Override
        public void intend(List<Resource> resources) {}

        @Override
        public void undone(List<Resource> resources) {}
    };

    /**
     * Writes {@code resources} down, in the order in which they will be made: all of them or none. Returns only when they would survive
     * the loss of this process.
     */
    void intend(List<Resource> resources);

    /** Strikes {@code resources} out: they have been undone. All of them or none are. */
    void undone(List<Resource> resources);
}
