package dev.sallyport.image.verify;

import dev.sallyport.image.Image;
import dev.sallyport.image.boot.InitramfsFile;
import dev.sallyport.image.boot.KernelFile;
import dev.sallyport.image.boot.ModuleNeeds;
import dev.sallyport.image.boot.ModuleNeeds.Transport;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Whether an image's kernel and initramfs can bring its machines to their root file system. */
final class BootCheck {
    private static final String REBUILD = "Build the image again: './sallyport image build'.";
    private static final String NETWORK = "virtio_net";

    private BootCheck() {}

    static void check(Image image, Tree root, Findings findings) {
        Optional<KernelFile> kernel = kernel(image, findings);
        String path = image.initramfs().toString();
        try {
            InitramfsFile initramfs = InitramfsFile.open(image.initramfs());
            Optional<InitramfsFile.Entry> init = initramfs.find("init");
            if (init.isEmpty()) {
                findings.error(CauseCode.INIT_MISSING, path, 0, "The initramfs has no /init.", REBUILD);
            } else if (!init.get().executable()) {
                findings.error(CauseCode.INIT_MISSING, path, 0, "The initramfs's /init may not be executed.", REBUILD);
            }
            modules(initramfs, root, path, findings);
            if (kernel.isPresent()) {
                ModuleNeeds.mismatch(kernel.get(), initramfs)
                        .ifPresent(text -> findings.error(CauseCode.DISK_DRIVER_MISSING, path, 0, text, REBUILD));
            }
        } catch (IOException e) {
            findings.error(
                    CauseCode.IMAGE_UNSOUND,
                    path,
                    0,
                    "The initramfs is of no known form, or damaged: " + e.getMessage() + ".",
                    REBUILD);
        }
    }

    private static Optional<KernelFile> kernel(Image image, Findings findings) {
        try {
            KernelFile kernel = KernelFile.open(image.kernel());
            if (!kernel.architecture().equals("x86_64")) {
                findings.error(
                        CauseCode.ARCHITECTURE_WRONG,
                        image.kernel().toString(),
                        0,
                        "The kernel is for " + kernel.architecture() + ", and the machines are x86_64.",
                        REBUILD);
            }
            return Optional.of(kernel);
        } catch (IOException e) {
            findings.error(
                    CauseCode.IMAGE_UNSOUND,
                    image.kernel().toString(),
                    0,
                    "The kernel is of no known form, or damaged: " + e.getMessage() + ".",
                    REBUILD);
            return Optional.empty();
        }
    }

    private static void modules(InitramfsFile initramfs, Tree root, String path, Findings findings) throws IOException {
        Set<String> needed = new LinkedHashSet<>();
        for (Transport transport : Transport.values()) {
            needed.addAll(ModuleNeeds.ofMachine(transport));
        }
        needed.remove(NETWORK);
        List<String> disks = ModuleNeeds.missing(needed, initramfs, root, ModuleNeeds.OURS_BUILT_IN)
                .modules();
        if (!disks.isEmpty()) {
            findings.error(
                    CauseCode.DISK_DRIVER_MISSING,
                    path,
                    0,
                    "The initramfs lacks " + String.join(", ", disks)
                            + ", without which the machine does not reach its layers.",
                    "Add the modules to the kernel recipe, and build the image again.");
        }
        List<String> network =
                ModuleNeeds.missing(List.of(NETWORK), initramfs, root, ModuleNeeds.OURS_BUILT_IN).modules().stream()
                        .filter(module -> !disks.contains(module))
                        .toList();
        if (!network.isEmpty()) {
            findings.error(
                    CauseCode.NETWORK_DEVICE_MISSING,
                    path,
                    0,
                    "The initramfs lacks " + String.join(", ", network) + ", without which the machine has no network.",
                    "Add the modules to the kernel recipe, and build the image again.");
        }
    }
}
