package dev.sallyport.image.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.sallyport.image.boot.InitramfsFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InitramfsTest {
    @TempDir
    Path folder;

    @Test
    void anArchiveIsWhatOthersReadToo() throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var cpio = new Cpio(bytes)) {
            cpio.folder("bin", 0755);
            cpio.file("bin/a", 0750, "content".getBytes(StandardCharsets.UTF_8));
            cpio.link("bin/sh", "busybox");
            cpio.device("dev/console", 0600, 5, 1);
            cpio.file("empty", 0644, new byte[0]);
        }

        Map<String, CpioArchiveEntry> entries = new LinkedHashMap<>();
        Map<String, String> contents = new LinkedHashMap<>();
        try (var in = new CpioArchiveInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            for (CpioArchiveEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                entries.put(entry.getName(), entry);
                contents.put(entry.getName(), new String(in.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        assertThat(contents)
                .containsExactly(
                        Map.entry("bin", ""),
                        Map.entry("bin/a", "content"),
                        Map.entry("bin/sh", "busybox"),
                        Map.entry("dev/console", ""),
                        Map.entry("empty", ""));
        assertThat(entries.values())
                .extracting(CpioArchiveEntry::getMode)
                .containsExactly(0040755L, 0100750L, 0120777L, 0020600L, 0100644L);
        assertThat(entries.values())
                .extracting(CpioArchiveEntry::getRemoteDeviceMaj, CpioArchiveEntry::getRemoteDeviceMin)
                .containsExactly(tuple(0L, 0L), tuple(0L, 0L), tuple(0L, 0L), tuple(5L, 1L), tuple(0L, 0L));
        assertThat(entries.values()).allSatisfy(entry -> {
            assertThat(entry.getUID()).isZero();
            assertThat(entry.getGID()).isZero();
            assertThat(entry.getTime()).isZero();
        });
        assertThat(bytes.size() % 512).isZero();
    }

    @Test
    void theInitFollowsThePartsAndIsExecutable() throws IOException {
        Path parts = folder.resolve("parts");
        try (var out = Files.newOutputStream(parts);
                var cpio = new Cpio(out)) {
            cpio.file("bin/busybox", 0755, new byte[] {1});
        }
        Path initramfs = folder.resolve("initramfs");

        Initramfs.write(parts, initramfs);

        byte[] all = Files.readAllBytes(initramfs);
        int second = (int) Files.size(parts);
        assertThat(all).startsWith(Files.readAllBytes(parts));
        Map<String, Long> modes = new LinkedHashMap<>();
        try (var in = new CpioArchiveInputStream(new ByteArrayInputStream(all, second, all.length - second))) {
            for (CpioArchiveEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                modes.put(entry.getName(), entry.getMode());
            }
        }
        assertThat(modes).containsEntry("init", 0100755L).containsKeys("dev/console", "proc", "sys");
    }

    @Test
    void whatReadsAnyInitramfsReadsOurs() throws IOException {
        Path parts = folder.resolve("parts");
        try (var out = Files.newOutputStream(parts);
                var cpio = new Cpio(out)) {
            cpio.folder("bin", 0755);
            cpio.file("bin/busybox", 0755, new byte[] {1});
            cpio.link("bin/sh", "busybox");
            cpio.file("lib/modules/6.12/virtio_blk.ko", 0644, new byte[] {2});
        }
        Path file = folder.resolve("initramfs");
        Initramfs.write(parts, file);

        InitramfsFile initramfs = InitramfsFile.open(file);

        assertThat(initramfs.forms()).containsExactly("cpio", "cpio");
        assertThat(initramfs.text("/init")).contains(new String(Initramfs.init(), StandardCharsets.UTF_8));
        assertThat(initramfs.find("/bin/sh").orElseThrow().executable()).isTrue();
        assertThat(initramfs.modules()).containsExactly("virtio_blk");
    }

    @Test
    void theInitIsSoundShell() throws Exception {
        Path init = folder.resolve("init");
        Files.write(init, Initramfs.init());

        Process check = new ProcessBuilder("sh", "-n", init.toString())
                .redirectErrorStream(true)
                .start();

        assertThat(new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEmpty();
        assertThat(check.waitFor()).isZero();
        String text = Files.readString(init);
        // Others read these words on the console.
        assertThat(text)
                .contains("say 'probe ok'", "FATAL", "LAYER_MISSING", "LAYER_CORRUPT")
                .startsWith("#!/bin/sh\n");
    }

    @Test
    void aModuleSaysWhatItNeeds() throws IOException {
        assertThat(KernelModule.dependencies(module("license=GPL\0depends=virtio,virtio_ring\0name=virtio_blk\0")))
                .containsExactly("virtio", "virtio_ring");
        assertThat(KernelModule.dependencies(module("depends=\0"))).isEqualTo(List.of());
        assertThatThrownBy(() -> KernelModule.dependencies(module("license=GPL\0")))
                .hasMessageContaining("depends");
        assertThatThrownBy(() -> KernelModule.dependencies(new byte[200])).hasMessageContaining("not an ELF-64");
        byte[] cut = java.util.Arrays.copyOf(module("depends=\0"), 80);
        assertThatThrownBy(() -> KernelModule.dependencies(cut)).hasMessageContaining("damaged");
    }

    /** The smallest ELF file with a section .modinfo. */
    private static byte[] module(String info) {
        byte[] content = info.getBytes(StandardCharsets.ISO_8859_1);
        byte[] names = "\0.modinfo\0.shstrtab\0".getBytes(StandardCharsets.ISO_8859_1);
        int at = 64 + content.length;
        int sections = at + names.length;
        ByteBuffer elf = ByteBuffer.allocate(sections + 3 * 64).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1});
        elf.putLong(0x28, sections);
        elf.putShort(0x3a, (short) 64);
        elf.putShort(0x3c, (short) 3);
        elf.putShort(0x3e, (short) 2);
        elf.put(64, content);
        elf.put(at, names);
        section(elf, sections + 64, 1, 64, content.length);
        section(elf, sections + 128, 10, at, names.length);
        return elf.array();
    }

    private static void section(ByteBuffer elf, int header, int name, int offset, int size) {
        elf.putInt(header, name);
        elf.putLong(header + 0x18, offset);
        elf.putLong(header + 0x20, size);
    }
}
