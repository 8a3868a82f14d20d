package dev.sallyport.machine;

import java.nio.file.Path;
import java.util.List;

/** A machine's serial console, spooled to a bounded file. Its bytes are hostile: readers get printable lines. */
public interface Console {
    /** Where the raw bytes are kept: the first and the last of them when there were too many. */
    Path file();

    /** Bytes seen so far, kept or not. */
    long bytes();

    /** The last {@code count} lines at most, without control characters, each of at most 400 characters. */
    List<String> lastLines(int count);
}
