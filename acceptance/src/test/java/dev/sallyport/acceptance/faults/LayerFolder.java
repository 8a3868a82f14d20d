package dev.sallyport.acceptance.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The content of one more layer, which lies over an image's own: what it holds replaces, what it whites out is gone. */
final class LayerFolder {
    private static final String UNITS = "/etc/systemd/system/";
    static final String AGENT = "sallyport-agent.service";

    private final Path folder;

    LayerFolder(Path folder) {
        this.folder = folder;
    }

    LayerFolder text(String path, String content) {
        return bytes(path, content.getBytes(StandardCharsets.UTF_8), "rw-r--r--");
    }

    /** A program; {@code content} may be a script. */
    LayerFolder program(String path, String content) {
        return bytes(path, content.getBytes(StandardCharsets.UTF_8), "rwxr-xr-x");
    }

    LayerFolder bytes(String path, byte[] content, String mode) {
        try {
            Path file = place(path);
            Files.write(file, content);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException("a fault's layer cannot be made", e);
        }
    }

    LayerFolder link(String path, String target) {
        try {
            Files.createSymbolicLink(place(path), Path.of(target));
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException("a fault's layer cannot be made", e);
        }
    }

    /** Hides what the layers below have there: a character device 0:0, as overlayfs has it. */
    LayerFolder without(String path) {
        Run.command("mknod", place(path).toString(), "c", "0", "0");
        return this;
    }

    /** A unit of systemd's. */
    LayerFolder unit(String name, String content) {
        return text(UNITS + name, content);
    }

    /** A unit that the boot reaches. */
    LayerFolder enabledUnit(String name, String content) {
        return unit(name, content).link(UNITS + "sallyport.target.wants/" + name, UNITS + name);
    }

    /** Settings that are added to the agent's unit. */
    LayerFolder agentSettings(String settings) {
        return text(UNITS + AGENT + ".d/zz-fault.conf", settings);
    }

    /** Lets the agent's unit start another program, which is not restarted. */
    LayerFolder agentIs(String command) {
        return agentSettings("[Service]\nExecStart=\nExecStart=" + command + "\nRestart=no\n");
    }

    private Path place(String path) {
        try {
            Path place = folder.resolve(path.substring(1));
            Files.createDirectories(place.getParent());
            return place;
        } catch (IOException e) {
            throw new UncheckedIOException("a fault's layer cannot be made", e);
        }
    }
}
