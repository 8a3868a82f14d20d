package dev.sallyport.agent.identity;

import dev.sallyport.agent.linux.Kernel;
import dev.sallyport.agent.linux.KernelRandom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The id of this boot, which the kernel draws once and never again: a file in its place has another. */
final class BootId {
    private final Path file;
    private final Path place;
    private final Kernel kernel;

    /**
     * @param run the folder of what lives as long as the machine runs
     * @param root the machine's root folder
     */
    BootId(Path run, Path root, Kernel kernel) {
        file = run.resolve("boot_id");
        place = root.resolve("proc/sys/kernel/random/boot_id");
        this.kernel = kernel;
    }

    /** Takes another. The kernel's generator must be the machine's own by now. */
    void renew() throws IOException {
        String id = KernelRandom.uuid() + "\n";
        // In place: where the file is in the kernel's place already, it stays there.
        Files.writeString(file, id);
        if (!Files.readString(place).equals(id)) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
            kernel.bind(file, place);
        }
    }
}
