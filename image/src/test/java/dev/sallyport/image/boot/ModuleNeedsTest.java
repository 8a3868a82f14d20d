package dev.sallyport.image.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.boot.ModuleNeeds.Transport;
import dev.sallyport.image.tree.FolderTree;
import dev.sallyport.image.tree.Tree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModuleNeedsTest {
    private static final String FOLDER = "lib/modules/6.1.0-test/";

    @TempDir
    private Path folder;

    @Test
    void whatIsInTheInitramfsOrBuiltInIsNotMissing() throws Exception {
        module("virtio-mmio.ko", "virtio_blk.ko.zst", "virtio_net.ko", "erofs.ko.xz", "overlay.ko.gz");
        var missing = ModuleNeeds.missing(
                ModuleNeeds.ofMachine(Transport.MMIO), initramfs(), null, ModuleNeeds.OURS_BUILT_IN);
        assertThat(missing).isEqualTo(new ModuleNeeds.Missing(List.of(), true));
        assertThat(ModuleNeeds.missing(ModuleNeeds.ofMachine(Transport.PCI), initramfs(), null, Set.of()))
                .isEqualTo(new ModuleNeeds.Missing(List.of("ext4", "virtio_pci"), false));
    }

    @Test
    void whatAModuleDependsOnIsNeededToo() throws Exception {
        module("virtio_blk.ko", "virtio.ko");
        text(
                "in/" + FOLDER + "modules.dep",
                "kernel/virtio_blk.ko: kernel/virtio-ring.ko kernel/virtio.ko\nkernel/virtio.ko:\n");
        assertThat(ModuleNeeds.missing(List.of("virtio-blk"), initramfs(), null, Set.of())
                        .modules())
                .containsExactly("virtio_ring");
    }

    @Test
    void whatIsBuiltInMayBeSaidByEither() throws Exception {
        module("overlay.ko");
        text("root/usr/" + FOLDER + "modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/drivers/virtio/virtio_pci.ko\n");
        List<String> needed = List.of("overlay", "ext4", "virtio-pci", "erofs");
        try (var root = new Tree(List.of(FolderTree.open(folder.resolve("root"))))) {
            assertThat(ModuleNeeds.missing(needed, initramfs(), root, Set.of()))
                    .isEqualTo(new ModuleNeeds.Missing(List.of("erofs"), true));
        }
        text("in/" + FOLDER + "modules.builtin", "kernel/fs/erofs/erofs.ko\n");
        assertThat(ModuleNeeds.missing(needed, initramfs(), null, Set.of()))
                .isEqualTo(new ModuleNeeds.Missing(List.of("ext4", "virtio_pci"), true));
    }

    @Test
    void modulesOfAnotherKernelAreNoticed() throws Exception {
        module("overlay.ko");
        InitramfsFile initramfs = initramfs();
        var same = new KernelFile(KernelFile.Form.ELF, "x86_64", Optional.of("6.1.0-test"), true);
        var other = new KernelFile(KernelFile.Form.ELF, "x86_64", Optional.of("6.1.0-other"), true);
        var silent = new KernelFile(KernelFile.Form.ELF, "x86_64", Optional.empty(), true);
        assertThat(ModuleNeeds.mismatch(same, initramfs)).isEmpty();
        assertThat(ModuleNeeds.mismatch(silent, initramfs)).isEmpty();
        assertThat(ModuleNeeds.mismatch(other, initramfs))
                .contains("The kernel is 6.1.0-other, and the initramfs has modules of 6.1.0-test.");
    }

    private void module(String... files) throws IOException {
        for (String file : files) {
            text("in/" + FOLDER + "kernel/" + file, "");
        }
    }

    private void text(String path, String text) throws IOException {
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private InitramfsFile initramfs() throws Exception {
        Process process = new ProcessBuilder("sh", "-ec", "cd in && find . | cpio --quiet -o -H newc >../initramfs")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        assertThat(process.inputReader().lines().toList()).isEmpty();
        assertThat(process.waitFor()).isZero();
        return InitramfsFile.open(folder.resolve("initramfs"));
    }
}
