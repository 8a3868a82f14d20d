package dev.sallyport.image;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * An ordered list of layers with what boots them. Immutable: a changed layer is another image.
 *
 * @param id 16 hexadecimal digits of the digest over all parts
 * @param recipe the recipe that it was built from, and the alias that points at it: {@code browser} or {@code cli}
 * @param created when it was first built
 * @param kernel the uncompressed ELF kernel (PVH entry)
 * @param initramfs the archive whose init assembles the root
 * @param layers lowest first
 * @param kernelArguments what every boot of it needs on the kernel's command line
 */
public record Image(
        String id,
        String recipe,
        Instant created,
        Path kernel,
        Path initramfs,
        List<Layer> layers,
        List<String> kernelArguments) {}
