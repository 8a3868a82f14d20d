package dev.sallyport.image.tree;

import dev.sallyport.image.tree.FileTree.Kind;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Opens whatever holds a root file system, told by its content and not by its name. */
public final class TreeSource {
    private static final String TAKEN =
            "; taken are a folder, an ext2/3/4 or uncompressed erofs file system, a tarball, and a disk image (raw or qcow2)"
                    + " with one of these file systems";

    private TreeSource() {}

    /**
     * What was opened.
     *
     * @param form what it is, in people's words
     * @param tree closed with this
     * @param notes what should be known of it; one sentence each
     */
    public record Opened(String form, Tree tree, List<String> notes) implements Closeable {
        public Opened {
            notes = List.copyOf(notes);
        }

        @Override
        public void close() throws IOException {
            tree.close();
        }
    }

    /** As {@link #open(Path, Path)}, with the system's folder for temporary files. */
    public static Opened open(Path path) throws IOException {
        return open(path, Path.of(System.getProperty("java.io.tmpdir", "/tmp")));
    }

    /**
     * Opens {@code path}.
     *
     * @param path a file or folder, or a link to one
     * @param temporary the folder for what must be unpacked, at most 16 GiB
     * @throws IOException with one sentence that says what it looks like and what is taken
     */
    public static Opened open(Path path, Path temporary) throws IOException {
        try {
            if (Files.isDirectory(path)) {
                return opened("folder", FolderTree.open(path), List.of());
            }
            regular(path);
            ByteSource source = ByteSource.file(path);
            try {
                return detect(path, source, temporary);
            } catch (IOException | RuntimeException e) {
                source.close();
                throw e;
            }
        } catch (AccessDeniedException e) {
            throw new IOException(path + " cannot be read by user '" + System.getProperty("user.name", "?") + "'", e);
        } catch (IOException e) {
            String said = String.valueOf(e.getMessage());
            throw said.startsWith(path.toString()) ? e : new IOException(path + " cannot be read: " + said, e);
        }
    }

    /** Devices and pipes are not even opened: to open them can wait for ever, or do something. */
    private static void regular(Path path) throws IOException {
        if (!Files.exists(path)) {
            if (Files.isSymbolicLink(path)) {
                throw new IOException(path + " is a link that leads nowhere" + TAKEN);
            }
            if (path.getParent() != null
                    && !Files.isReadable(path.toAbsolutePath().getParent())) {
                throw new IOException(path + " is not there, or its folder cannot be read");
            }
            throw new IOException(path + " is not there");
        }
        int mode;
        try {
            mode = (int) Files.getAttribute(path, "unix:mode");
        } catch (InvalidPathException | ClassCastException e) {
            throw new IOException(path + " cannot be read", e);
        }
        String what = switch (mode >> 12) {
            case 010 -> "";
            case 001 -> "a pipe";
            case 002 -> "a character device";
            case 006 -> "a block device";
            case 014 -> "a socket";
            default -> "no file";
        };
        if (!what.isEmpty()) {
            throw new IOException(path + " is " + what + TAKEN);
        }
    }

    private static Opened detect(Path path, ByteSource source, Path temporary) throws IOException {
        byte[] first = source.read(0, (int) Math.min(8, source.size()));
        if (first.length >= 4 && ByteBuffer.wrap(first).getInt() == Qcow2Source.MAGIC) {
            return disk(path, named(path, "qcow2 disk image", () -> Qcow2Source.of(source)), "qcow2 disk image");
        }
        Optional<Opened> plain = fileSystem(path, source, "");
        if (plain.isPresent()) {
            return plain.get();
        }
        if (TarTree.recognises(source)) {
            return rootOf(path, opened("tarball", named(path, "tarball", () -> TarTree.open(source)), List.of()));
        }
        Optional<Compression> compression = Compression.of(first);
        if (compression.isPresent()) {
            return compressed(path, source, compression.get(), temporary);
        }
        if (Partitions.of(source).isPresent()) {
            return disk(path, source, "disk image");
        }
        throw refused(path, source);
    }

    private static IOException refused(Path path, ByteSource source) throws IOException {
        String looks = Looks.of(source);
        String advice = looks.contains("squashfs")
                ? ": unpack it with 'unsquashfs' and give the folder, or give a tarball"
                : looks.startsWith("a disk of") ? ": make it a qcow2 file with 'qemu-img convert -O qcow2'" : TAKEN;
        return new IOException(path + " is " + looks + advice);
    }

    private static Opened compressed(Path path, ByteSource source, Compression compression, Path temporary)
            throws IOException {
        String form = "tarball (" + compression.word() + ")";
        byte[] begin;
        try (var in = compression.decompress(Unpacked.stream(source, 0))) {
            begin = in.readNBytes(TarHeaders.BLOCK);
        } catch (IOException e) {
            throw new IOException(
                    path + " is " + compression.word() + " data that is cut short or damaged: " + e.getMessage(), e);
        }
        if (begin.length < TarHeaders.BLOCK || !TarHeaders.sound(begin)) {
            throw new IOException(
                    path + " is compressed (" + compression.word() + ") and holds no tarball: unpack it first" + TAKEN);
        }
        FileTree tree = named(path, form, () -> TarTree.open(source, compression, temporary));
        source.close();
        return rootOf(path, opened(form, tree, List.of()));
    }

    /** Tarballs of images are not tarballs of their roots. */
    private static Opened rootOf(Path path, Opened opened) throws IOException {
        Tree tree = opened.tree();
        if (tree.find("/usr").isEmpty()
                && tree.find("/etc").isEmpty()
                && (tree.find("/manifest.json").isPresent()
                        || tree.find("/oci-layout").isPresent())) {
            opened.close();
            throw new IOException(path + " is a container image in layers: make a tarball of its root with"
                    + " 'docker export' or 'podman export'");
        }
        return opened;
    }

    private static Opened disk(Path path, ByteSource disk, String form) throws IOException {
        Optional<Opened> whole = fileSystem(path, disk, form);
        if (whole.isPresent()) {
            return whole.get();
        }
        Optional<List<Partitions.Partition>> table = named(path, form, () -> Partitions.of(disk));
        if (table.isEmpty()) {
            throw new IOException(path + " is a " + form + " that holds " + Looks.of(disk) + TAKEN);
        }
        List<String> others = new ArrayList<>();
        for (Partitions.Partition partition : table.get()) {
            ByteSource window = disk.window(partition.start(), partition.size());
            try {
                Optional<Opened> found = fileSystem(path, window, form + ", partition " + partition.number() + ": ");
                if (found.isPresent() && isRoot(found.get().tree())) {
                    return found.get();
                }
                String what = found.isPresent() ? "a file system without a Linux root" : Looks.of(window);
                others.add(partition.number() + " is " + what);
            } catch (IOException e) {
                others.add(partition.number() + " cannot be read (" + e.getMessage() + ")");
            }
        }
        throw new IOException(path + " is a " + form + " without a partition that holds a Linux root: partition "
                + String.join(", partition ", others.isEmpty() ? List.of("there is none") : others));
    }

    /** @param within what it lies in, for people */
    private static Optional<Opened> fileSystem(Path path, ByteSource source, String within) throws IOException {
        String prefix = within.isEmpty() || within.endsWith(" ") ? within : within + ": ";
        if (Ext4Tree.recognises(source)) {
            Ext4Tree tree = named(path, "ext4 file system", () -> Ext4Tree.open(source));
            return Optional.of(opened(
                    prefix + "ext4 file system",
                    tree,
                    tree.needsRecovery()
                            ? List.of("It was not unmounted; what only its journal holds is not seen.")
                            : List.of()));
        }
        if (ErofsTree.recognises(source)) {
            ErofsTree tree = named(path, "erofs file system", () -> ErofsTree.open(source));
            if (tree.compressed()) {
                throw new IOException(path + " is an erofs file system with compressed files, which are not read here:"
                        + " make it without '-z', or give a tarball");
            }
            return Optional.of(opened(prefix + "erofs file system", tree, List.of()));
        }
        return Optional.empty();
    }

    private static boolean isRoot(Tree tree) throws IOException {
        boolean folders = folder(tree, "/etc") || folder(tree, "/usr");
        return folders
                && (tree.findLink("/sbin/init").isPresent()
                        || tree.find("/sbin/init").isPresent()
                        || folder(tree, "/usr/lib/systemd"));
    }

    private static boolean folder(Tree tree, String path) throws IOException {
        return tree.find(path).filter(entry -> entry.kind() == Kind.FOLDER).isPresent();
    }

    private static Opened opened(String form, FileTree tree, List<String> notes) {
        return new Opened(form, new Tree(List.of(tree)), notes);
    }

    private interface Opening<T> {
        T open() throws IOException;
    }

    private static <T> T named(Path path, String form, Opening<T> opening) throws IOException {
        try {
            return opening.open();
        } catch (IOException e) {
            throw new IOException(path + " looks like " + article(form) + " and cannot be read: " + e.getMessage(), e);
        }
    }

    private static String article(String form) {
        return (form.startsWith("e") ? "an " : "a ") + form;
    }
}
