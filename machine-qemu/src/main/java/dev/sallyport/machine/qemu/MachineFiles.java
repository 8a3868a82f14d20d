package dev.sallyport.machine.qemu;

import dev.sallyport.machine.Resource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;

/**
 * What lies in a machine's folder.
 *
 * @param directory the folder's absolute path
 */
record MachineFiles(Path directory) {
    /** Is kept when the machine is gone. */
    static final String CONSOLE_LOG = "console.log";

    static final String WRITABLE_DISK = "writable.ext4";
    /** What a machine that began from a template has written; the rest of its disk is the template's. */
    static final String WRITABLE_OVERLAY = "writable.qcow2";

    static final String FACTS_DISK = "facts.raw";
    /** QEMU connects to it once, at its start. */
    static final String TOLD_SOCKET = "told.sock";
    /** Here QEMU's monitor listens: who holds a connection to it holds the machine. */
    static final String MONITOR_SOCKET = "monitor.sock";
    /** QEMU makes the names of both pipes from this one. */
    static final String CONSOLE = "console";

    static final String CONSOLE_INPUT = CONSOLE + ".in";
    static final String CONSOLE_OUTPUT = CONSOLE + ".out";

    /** All that is undone, in the order in which it may be. */
    private static final List<String> UNDONE = List.of(
            TOLD_SOCKET, MONITOR_SOCKET, CONSOLE_OUTPUT, CONSOLE_INPUT, WRITABLE_DISK, WRITABLE_OVERLAY, FACTS_DISK);

    private static final Set<PosixFilePermission> OWNER_ALONE = PosixFilePermissions.fromString("rwx------");

    static MachineFiles in(Path directory) {
        return new MachineFiles(directory.toAbsolutePath().normalize());
    }

    Path of(String name) {
        return directory.resolve(name);
    }

    Resource resource(String name) {
        return new Resource(QemuDriver.NAME, QemuDriver.FILE, of(name).toString());
    }

    /** Every file that there may be, in the order in which they may be undone. */
    List<Resource> traces() {
        return UNDONE.stream().map(this::resource).toList();
    }

    /**
     * Closes the folder to everybody else: who reaches the monitor's socket has the machine.
     *
     * @throws IOException when it is not ours to close
     */
    void closeToOthers() throws IOException {
        if (!OWNER_ALONE.containsAll(Files.getPosixFilePermissions(directory))) {
            Files.setPosixFilePermissions(directory, OWNER_ALONE);
        }
    }

    /** Removes one file; see {@link dev.sallyport.machine.MachineDriver#undo}. */
    static List<String> undo(Path file) {
        if (!file.isAbsolute() || !UNDONE.contains(String.valueOf(file.getFileName()))) {
            return List.of("not a file of ours: " + file);
        }
        try {
            Files.deleteIfExists(file);
            return List.of();
        } catch (IOException e) {
            return List.of("file " + file + ": " + e);
        }
    }
}
