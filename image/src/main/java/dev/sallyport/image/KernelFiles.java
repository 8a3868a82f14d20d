package dev.sallyport.image;

import java.nio.file.Path;
import java.util.List;

/**
 * What boots a machine before there is a root file system.
 *
 * @param kernel the uncompressed ELF kernel (PVH entry)
 * @param initramfs the archive whose init assembles the root
 * @param arguments what every boot needs on the kernel's command line
 */
public record KernelFiles(Path kernel, Path initramfs, List<String> arguments) {
    public KernelFiles {
        arguments = List.copyOf(arguments);
    }
}
