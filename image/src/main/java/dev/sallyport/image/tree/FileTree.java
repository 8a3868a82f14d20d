package dev.sallyport.image.tree;

import java.io.Closeable;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * A file system (or archive, or folder) that is read without being mounted. Its content is not trusted: whatever is damaged,
 * cyclic, or larger than its bounds is an {@link IOException} with one sentence, never a crash or an endless read. It is used by
 * one thread at a time.
 */
public interface FileTree extends Closeable {
    /** Most bytes of one folder's table of names. */
    long MAX_FOLDER_BYTES = 16 << 20;

    /** Most entries of one folder. */
    int MAX_FOLDER_ENTRIES = 400_000;

    /** Most bytes of a name, as Linux has it ({@code NAME_MAX}). */
    int MAX_NAME_BYTES = 255;

    /** What a node is. */
    enum Kind {
        FILE,
        FOLDER,
        LINK,
        CHARACTER_DEVICE,
        OTHER
    }

    /**
     * A file, folder, link or something else.
     *
     * @param number its number in this tree; two names of one file have the same
     * @param kind what it is
     * @param mode permission bits, with set-user-ID, set-group-ID and sticky
     * @param uid owner
     * @param gid group
     * @param size bytes; of a link its target's
     * @param device of a device its number; 0 of 0:0, which is an overlay's whiteout as a character device
     */
    record Node(long number, Kind kind, int mode, long uid, long gid, long size, long device) {
        /** True when somebody may execute it. */
        public boolean executable() {
            return (mode & 0111) != 0;
        }

        /** True for what hides a name of the layers below (Linux, Documentation/filesystems/overlayfs.rst). */
        public boolean whiteout() {
            return kind == Kind.CHARACTER_DEVICE && device == 0;
        }
    }

    /** Its root folder. */
    Node root() throws IOException;

    /**
     * The entries of a folder by name, without {@code .} and {@code ..}.
     *
     * @throws IOException when it is damaged, or no folder
     */
    Map<String, Node> list(Node folder) throws IOException;

    /**
     * One entry of a folder; empty when it has none of that name. Of a large folder this costs less than to list it.
     *
     * @throws IOException when the folder, or the entry, is damaged, or when it is no folder
     */
    default Optional<Node> lookup(Node folder, String name) throws IOException {
        return Optional.ofNullable(list(folder).get(name));
    }

    /**
     * Bytes of a file.
     *
     * @param from the first byte's offset
     * @param atMost most bytes; fewer come at the file's end
     */
    byte[] read(Node file, long from, int atMost) throws IOException;

    /** Where a link points, as it is written. */
    String target(Node link) throws IOException;

    /**
     * True when a folder hides all that the layers below have under its name: its attribute {@code trusted.overlay.opaque} or
     * {@code user.overlay.opaque} is {@code y}.
     */
    default boolean opaque(Node folder) throws IOException {
        return false;
    }
}
