package dev.sallyport.image.tree;

import java.io.Closeable;
import java.io.IOException;
import java.util.Map;

/**
 * A file system (or archive, or folder) that is read without being mounted. Its content is not trusted: whatever is damaged,
 * cyclic, or larger than its bounds is an {@link IOException} with one sentence, never a crash or an endless read.
 */
public interface FileTree extends Closeable {
    /** Most bytes of one folder's table of names. */
    long MAX_FOLDER_BYTES = 16 << 20;

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
     * Bytes of a file.
     *
     * @param from the first byte's offset
     * @param atMost most bytes; fewer come at the file's end
     */
    byte[] read(Node file, long from, int atMost) throws IOException;

    /** Where a link points, as it is written. */
    String target(Node link) throws IOException;

    /** True when a folder hides all that the layers below have under its name ({@code trusted.overlay.opaque}). */
    default boolean opaque(Node folder) throws IOException {
        return false;
    }
}
