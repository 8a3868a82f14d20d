package dev.sallyport.bench.relay;

import java.io.IOException;

/** A way from a viewer to the source. */
interface Way {
    /** Opens a connection of its own to the source. */
    Wire open() throws IOException;

    /** Processor time that what stands between has used, in seconds. */
    double cpuSeconds();
}
