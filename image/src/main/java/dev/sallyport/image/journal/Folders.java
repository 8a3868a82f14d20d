package dev.sallyport.image.journal;

import dev.sallyport.image.Trees;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Removes folders in which a build was at work. */
final class Folders {
    private static final String MOUNTS = "/proc/self/mountinfo";

    private Folders() {}

    /** Removes a tree, if it is there, without following links. What is mounted in it is unmounted, and never entered. */
    static void remove(Path tree) throws IOException {
        if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        unmount(tree);
        try {
            Trees.delete(tree);
        } catch (NoSuchFileException e) {
            // Somebody in it was still at work when its listing was read; what he left goes now.
            Trees.delete(tree);
        } catch (AccessDeniedException e) {
            removeAsNamespaceRoot(tree, e);
        }
    }

    /** mmdebstrap mounts in a namespace of its own, which goes with it; should anything be mounted here all the same, it is not ours to delete. */
    private static void unmount(Path tree) throws IOException {
        for (Path mount : mountsBelow(tree).reversed()) {
            // Lazily: it is out of the tree at once, whoever still uses it.
            int status = run(List.of("umount", "--lazy", "--", mount.toString()));
            if (status != 0) {
                throw new IOException("umount " + mount + " ended with " + status);
            }
        }
    }

    /** In the order in which they were mounted. */
    static List<Path> mountsBelow(Path tree) throws IOException {
        Path real = tree.toRealPath();
        List<Path> below = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(MOUNTS))) {
            Path mount = Path.of(unescaped(line.split(" ", -1)[4]));
            if (mount.startsWith(real)) {
                below.add(mount);
            }
        }
        return below;
    }

    /** Blanks are written as octal numbers there. */
    private static String unescaped(String text) {
        return text.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    /** Without root, parts of a tree belong to this user's subordinate ids: only inside a user namespace can they be deleted. */
    private static void removeAsNamespaceRoot(Path tree, IOException denied) throws IOException {
        if (run(List.of("mmdebstrap", "--unshare-helper", "rm", "-rf", "--", tree.toString())) < 0) {
            throw denied;
        }
        Trees.delete(tree);
    }

    /** The exit status; -1 when it took too long or this thread was interrupted. */
    private static int run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (process.waitFor(2, TimeUnit.MINUTES)) {
                return process.exitValue();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        return -1;
    }
}
