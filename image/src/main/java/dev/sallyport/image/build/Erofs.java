package dev.sallyport.image.build;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** How layers are written: by mkfs.erofs(1), always the same for the same content. */
final class Erofs {
    /**
     * The time of every file of a layer, in seconds since 1970: the first of January 2026. What caches compare times with (fonts,
     * the agent's AOT cache) was made with the very same.
     */
    static final long TIME = 1_767_225_600L;

    private Erofs() {}

    /** The UUID of the layer that is made from the inputs with this key (RFC 9562, version 8). */
    static UUID uuid(String key) {
        long high = (Long.parseUnsignedLong(key.substring(0, 16), 16) & ~0xf000L) | 0x8000L;
        long low = (Long.parseUnsignedLong(key.substring(16, 32), 16) & 0x3fffffffffffffffL) | 0x8000000000000000L;
        return new UUID(high, low);
    }

    /** Makes {@code folder} a layer, all of it root's. */
    static List<String> ofFolder(String key, Path folder, Path to) {
        List<String> command = new ArrayList<>(options(key));
        command.addAll(List.of("--all-root", to.toString(), folder.toString()));
        return command;
    }

    /**
     * The program and the options that all layers share. Not compressed: a machine under emulation pays more for decompression than
     * for reading, and what many machines read is in the host's page cache once. No extended attributes: nothing in our layers has
     * any that matter, and looking for them costs.
     */
    static List<String> options(String key) {
        return List.of("mkfs.erofs", "--quiet", "-x-1", "-T" + TIME, "-U" + uuid(key));
    }
}
