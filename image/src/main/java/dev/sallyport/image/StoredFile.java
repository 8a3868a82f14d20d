package dev.sallyport.image;

import java.nio.file.Path;
import java.util.Map;

/**
 * A file of the store, and what it was made from.
 *
 * @param name what it is, such as {@code root-cli} or {@code vmlinux}
 * @param key the digest over everything that it was made from
 * @param digest SHA-256 of its bytes in lower-case hexadecimal
 * @param file where it lies
 * @param bytes its size
 * @param notes further facts by name, such as {@code uuid}
 */
public record StoredFile(String name, String key, String digest, Path file, long bytes, Map<String, String> notes) {
    public StoredFile {
        notes = Map.copyOf(notes);
    }
}
