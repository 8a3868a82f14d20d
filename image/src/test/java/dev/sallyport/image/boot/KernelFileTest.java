package dev.sallyport.image.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KernelFileTest {
    private static final int BANNER = (1 << 20) - 7;

    @TempDir
    private Path folder;

    @Test
    void anElfKernelSaysReleaseArchitectureAndEntry() throws Exception {
        KernelFile kernel = KernelFile.open(write(elf(62, 18)));
        assertThat(kernel)
                .isEqualTo(
                        new KernelFile(KernelFile.Form.ELF, "x86_64", Optional.of("6.12.90+deb13-cloud-amd64"), true));
        assertThat(KernelFile.open(write(elf(183, 17))))
                .isEqualTo(new KernelFile(
                        KernelFile.Form.ELF, "aarch64", Optional.of("6.12.90+deb13-cloud-amd64"), false));
    }

    @Test
    void aBzImageSaysItsRelease() throws Exception {
        ByteBuffer image = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
        text(image, 0x202, "HdrS");
        image.putShort(0x236, (short) 1);
        image.putShort(0x20e, (short) 0x1000);
        text(image, 0x1200, "6.1.0-40-amd64 (debian-kernel@lists.debian.org) #1 SMP");
        assertThat(KernelFile.open(write(image.array())))
                .isEqualTo(new KernelFile(KernelFile.Form.BZIMAGE, "x86_64", Optional.of("6.1.0-40-amd64"), false));
        image.putShort(0x20e, (short) 0xffff);
        assertThat(KernelFile.open(write(image.array())).release()).isEmpty();
    }

    @Test
    void anImageOfArm64IsKnown() throws Exception {
        ByteBuffer image = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
        text(image, 56, "ARMd");
        text(image, 5000, "Linux version 6.1.0 (x) ");
        assertThat(KernelFile.open(write(image.array())))
                .isEqualTo(new KernelFile(KernelFile.Form.ARM64_IMAGE, "aarch64", Optional.of("6.1.0"), false));
    }

    @Test
    void whatIsNoneSaysSo() throws Exception {
        for (byte[] bytes : new byte[][] {{}, "hello".getBytes(StandardCharsets.US_ASCII), new byte[2000]}) {
            Path path = write(bytes);
            assertThatThrownBy(() -> KernelFile.open(path)).hasMessageContaining("neither an ELF file");
        }
        Path gzip = write(new byte[] {0x1f, (byte) 0x8b, 8, 0});
        assertThatThrownBy(() -> KernelFile.open(gzip)).hasMessageContaining("compressed (gzip)");
        assertThatThrownBy(() -> KernelFile.open(folder)).hasMessageContaining("is not a file");
    }

    @Test
    void damageEndsWithAnErrorOrWithAKernel() throws Exception {
        var random = new Random(3);
        byte[] whole = elf(62, 18);
        for (int variant = 0; variant < 300; variant++) {
            byte[] damaged = whole.clone();
            for (int i = random.nextInt(12); i >= 0; i--) {
                damaged[random.nextInt(200)] = (byte) random.nextInt();
            }
            try {
                assertThat(KernelFile.open(write(damaged)).architecture()).isNotBlank();
            } catch (IOException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }

    /** An ELF header, one segment of notes, and a banner that lies over the edge of what is searched at once. */
    private static byte[] elf(int machine, int note) {
        ByteBuffer elf = ByteBuffer.allocate(BANNER + 200).order(ByteOrder.LITTLE_ENDIAN);
        elf.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1).putShort(18, (short) machine);
        elf.putLong(0x20, 64).putShort(0x36, (short) 56).putShort(0x38, (short) 1);
        elf.putInt(64, 4).putLong(64 + 8, 128).putLong(64 + 32, 44);
        elf.putInt(128, 3).putInt(132, 2).putInt(136, 1);
        text(elf, 140, "ab");
        elf.putInt(148, 4).putInt(152, 4).putInt(156, note);
        text(elf, 160, "Xen");
        text(elf, 500, "Linux version %s");
        text(elf, BANNER, "Linux version 6.12.90+deb13-cloud-amd64 (debian-kernel@lists.debian.org)");
        return elf.array();
    }

    private static void text(ByteBuffer into, int at, String text) {
        into.put(at, text.getBytes(StandardCharsets.US_ASCII));
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("kernel"), bytes);
    }
}
