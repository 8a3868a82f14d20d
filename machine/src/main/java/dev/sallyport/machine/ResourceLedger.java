package dev.sallyport.machine;

/** Where outside things are written down before they are made. Implementations are durable. */
public interface ResourceLedger {
    /** Writes {@code resource} down. Returns only when it would survive the loss of this process. */
    void intend(Resource resource);

    /** Strikes {@code resource} out: it has been undone. */
    void undone(Resource resource);
}
