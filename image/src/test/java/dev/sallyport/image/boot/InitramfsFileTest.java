package dev.sallyport.image.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Archives of the real cpio(1), packed as distributions pack them. */
final class InitramfsFileTest {
    private static final String MODULES = "usr/lib/modules/6.1.0-test/";

    @TempDir
    private Path folder;

    @BeforeEach
    void trees() throws Exception {
        write("early/kernel/x86/microcode/GenuineIntel.bin", "microcode");
        write("main/init", "#!/bin/sh\nexec /sbin/init\n");
        assertThat(folder.resolve("main/init").toFile().setExecutable(true)).isTrue();
        write("main/usr/bin/busybox", "x".repeat(100_000));
        write("main/" + MODULES + "kernel/drivers/block/virtio_blk.ko.xz", "module");
        write("main/" + MODULES + "kernel/drivers/virtio/virtio-mmio.ko", "module");
        write("main/" + MODULES + "modules.dep", "kernel/drivers/block/virtio_blk.ko.xz:\n");
        Files.createSymbolicLink(folder.resolve("main/lib"), Path.of("usr/lib"));
        Files.createSymbolicLink(folder.resolve("main/bin"), Path.of("/usr/bin"));
        Files.createSymbolicLink(folder.resolve("main/usr/bin/sh"), Path.of("busybox"));
        Files.createSymbolicLink(folder.resolve("main/loop"), Path.of("loop/x"));
        run("cd early && find . | cpio --quiet -o -H newc >../early.cpio");
        run("cd main && find . | cpio --quiet -o -H newc >../main.cpio");
    }

    @ParameterizedTest
    @CsvSource({
        "cat,cpio",
        "gzip,cpio (gzip)",
        "xz --check=crc32,cpio (xz)",
        "zstd -q,cpio (zstd)",
        "lz4 -q -l,cpio (lz4)",
        "lz4 -q,cpio (lz4)",
        "bzip2,cpio (bzip2)",
        "lzma,cpio (lzma)",
    })
    void itIsReadHoweverItIsPacked(String program, String form) throws Exception {
        run("(cat early.cpio; " + program + (program.equals("cat") ? "" : " -c") + " <main.cpio) >initramfs");

        InitramfsFile initramfs = InitramfsFile.open(folder.resolve("initramfs"));

        assertThat(initramfs.forms()).containsExactly("cpio", form);
        assertThat(initramfs.has("/kernel/x86/microcode/GenuineIntel.bin")).isTrue();
        assertThat(initramfs.find("init").orElseThrow().executable()).isTrue();
        assertThat(initramfs.text("/init")).contains("#!/bin/sh\nexec /sbin/init\n");
        assertThat(initramfs.modules()).containsExactly("virtio_blk", "virtio_mmio");
        assertThat(initramfs.releases()).containsExactly("6.1.0-test");
        assertThat(initramfs.text("lib/modules/6.1.0-test/modules.dep")).isPresent();
        assertThat(initramfs.find("/bin/sh").orElseThrow().path()).isEqualTo("usr/bin/busybox");
        assertThat(initramfs.text("/bin/busybox")).isEmpty();
        assertThat(initramfs.has("/loop")).isFalse();
        assertThat(initramfs.has("/nowhere")).isFalse();
        assertThat(initramfs.paths()).contains("usr/bin/sh", "lib");
    }

    @Test
    void ofTwoEntriesWithOneNameTheLaterCounts() throws Exception {
        write("more/init", "another\n");
        run("cd more && find . | cpio --quiet -o -H newc >../more.cpio; cat ../main.cpio ../more.cpio >../initramfs");
        assertThat(InitramfsFile.open(folder.resolve("initramfs")).text("init")).contains("another\n");
    }

    @Test
    void whatIsNoneSaysSo() throws Exception {
        refused("empty", new byte[0], "it is empty");
        refused("zeros", new byte[4096], "it is empty");
        refused("text", "hello, world\n".getBytes(StandardCharsets.US_ASCII), "neither as a cpio archive");
        byte[] whole = Files.readAllBytes(folder.resolve("main.cpio"));
        refused("cut", Arrays.copyOf(whole, whole.length / 2), "cut short");
        byte[] more = Arrays.copyOf(whole, whole.length + 20);
        Arrays.fill(more, whole.length, more.length, (byte) 'x');
        refused("more", more, "neither another one nor the end");
        refused("zeros behind", Arrays.copyOf(whole, whole.length + (17 << 20)), "MiB of zeros");
        byte[] name = whole.clone();
        Arrays.fill(name, 94, 102, (byte) 'f');
        refused("name", name, "a name of 4294967295 bytes");
        assertThatThrownBy(() -> InitramfsFile.open(folder)).hasMessageContaining("is not a file");
    }

    @Test
    void whatUnpacksToTooMuchIsRefused() throws Exception {
        // A file of three gigabytes of zeros, in a few kilobytes: its header is written by hand.
        String head = "070701" + "00000001" + "000081a4" + "00000000".repeat(2) + "00000001" + "00000000" + "c0000000"
                + "00000000".repeat(4) + "00000002" + "00000000" + "a\0";
        Files.writeString(folder.resolve("head"), head, StandardCharsets.ISO_8859_1);
        run("(cat head; head -c 2300000000 /dev/zero) | zstd -q -1 -c >bomb");
        assertThatThrownBy(() -> InitramfsFile.open(folder.resolve("bomb"))).hasMessageContaining("larger than 2 GiB");
    }

    @Test
    void damageEndsWithAnErrorOrWithNames() throws Exception {
        run("(cat early.cpio; gzip -c <main.cpio) >packed");
        for (String name : List.of("main.cpio", "packed")) {
            byte[] whole = Files.readAllBytes(folder.resolve(name));
            var random = new Random(11);
            int sound = 0;
            for (int variant = 0; variant < 300; variant++) {
                byte[] damaged =
                        random.nextInt(5) == 0 ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
                for (int i = random.nextInt(20); i >= 0 && damaged.length > 0; i--) {
                    damaged[random.nextInt(Math.min(damaged.length, 3000))] = (byte) random.nextInt();
                }
                try {
                    InitramfsFile read = InitramfsFile.open(Files.write(folder.resolve("damaged"), damaged));
                    read.paths().forEach(read::text);
                    sound++;
                } catch (IOException e) {
                    assertThat(e.getMessage()).isNotBlank();
                }
            }
            assertThat(sound).isLessThan(300);
        }
    }

    private void refused(String name, byte[] bytes, String said) throws IOException {
        Path path = Files.write(folder.resolve(name), bytes);
        assertThatThrownBy(() -> InitramfsFile.open(path))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(path.toString())
                .hasMessageContaining(said);
    }

    private void write(String path, String text) throws IOException {
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void run(String script) throws Exception {
        Process process = new ProcessBuilder("sh", "-ec", script)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
