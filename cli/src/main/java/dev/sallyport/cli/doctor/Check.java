package dev.sallyport.cli.doctor;

import java.io.IOException;
import java.util.List;

/** One subject that is looked at. Looking changes nothing, or removes at once what it had to make. */
interface Check {
    /** The subject in one word. */
    String name();

    /**
     * Looks, and judges what was seen.
     *
     * @return at least one finding
     * @throws IOException when it cannot be seen
     * @throws InterruptedException when the calling thread is interrupted
     */
    List<Finding> look() throws IOException, InterruptedException;
}
