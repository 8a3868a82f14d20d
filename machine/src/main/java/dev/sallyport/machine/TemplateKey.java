package dev.sallyport.machine;

import dev.sallyport.image.Digests;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What must be the same where a template was made and where machines start from it: the driver and its version, the processor, the
 * machine's shape, the kind of its network, the image, and the facts that its agent cannot change any more. A machine of another key
 * cannot start from that template.
 *
 * @param parts values by name, one line each; for people, and compared as a whole
 */
public record TemplateKey(SortedMap<String, String> parts) {
    public TemplateKey {
        parts = Collections.unmodifiableSortedMap(new TreeMap<>(parts));
    }

    /** The parts as {@code name=value} lines in the order of their names. */
    public String text() {
        var text = new StringBuilder();
        for (Map.Entry<String, String> part : parts.entrySet()) {
            text.append(part.getKey()).append('=').append(part.getValue()).append('\n');
        }
        return text.toString();
    }

    /** The hexadecimal SHA-256 of {@link #text()}: 64 characters, fit for the name of a folder. */
    public String digest() {
        return Digests.of(text());
    }
}
