package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WritableDiskTest {
    @TempDir
    Path folder;

    @BeforeAll
    static void mke2fs() {
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of("/usr/sbin/mke2fs")) || Files.isExecutable(Path.of("/sbin/mke2fs")),
                "mke2fs is not here");
    }

    @Test
    void aDiskIsSparseAndLabelled() throws Exception {
        var disk = new WritableDisk(folder);
        Path one = folder.resolve("one");
        disk.make(one, 4L << 30);

        assertThat(Files.size(one)).isEqualTo(4L << 30);
        assertThat(allocated(one)).isLessThan(8L << 20);
        assertThat(superblock(one, 0x38, 2)).isEqualTo(new byte[] {0x53, (byte) 0xef});
        assertThat(new String(superblock(one, 0x78, 16), StandardCharsets.US_ASCII))
                .startsWith("sallyport-rw\0");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(one)))
                .isEqualTo("rw-------");
        try (var files = Files.list(folder.resolve("disks"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("lock", "writable-4294967296.ext4");
        }
        assertThat(Command.run(Duration.ofMinutes(1), "", List.of("e2fsck", "-fn", one.toString()))
                        .exitCode())
                .isZero();
    }

    @Test
    void disksOfOneSizeAreAlikeAndTheirPatternStaysClean() throws Exception {
        var disk = new WritableDisk(folder);
        disk.make(folder.resolve("one"), 16L << 20);
        Files.writeString(folder.resolve("one"), "written to");
        disk.make(folder.resolve("two"), 16L << 20);
        disk.make(folder.resolve("three"), 16L << 20);
        assertThat(superblock(folder.resolve("two"), 0x38, 2)).isEqualTo(new byte[] {0x53, (byte) 0xef});
        assertThat(Files.mismatch(folder.resolve("two"), folder.resolve("three")))
                .isEqualTo(-1);
    }

    @Test
    void whatAKilledMakerLeftIsOverwritten() throws Exception {
        Files.createDirectories(folder.resolve("disks"));
        Files.writeString(folder.resolve("disks/unfinished-67108864"), "half");
        new WritableDisk(folder).make(folder.resolve("disk"), 64L << 20);
        assertThat(superblock(folder.resolve("disk"), 0x38, 2)).isEqualTo(new byte[] {0x53, (byte) 0xef});
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 4096, (16L << 20) - 4096, (64L << 20) + 1, (1L << 40) + 4096})
    void aSizeThatIsNoneIsRefused(long bytes) {
        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> new WritableDisk(folder).make(folder.resolve("disk"), bytes));
        assertThat(failure.reason().code()).isEqualTo(CauseCode.BAD_REQUEST);
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aFolderThatIsNotThereIsNamed() {
        FailureException failure = catchThrowableOfType(
                FailureException.class, () -> new WritableDisk(folder).make(folder.resolve("none/disk"), 64L << 20));
        assertThat(failure.reason().code()).isEqualTo(CauseCode.HYPERVISOR_FAILED);
        assertThat(failure.reason().evidence()).anyMatch(line -> line.contains("No such file or directory"));
    }

    private static long allocated(Path file) throws IOException, InterruptedException {
        return 512
                * Long.parseLong(Command.run(Duration.ofSeconds(10), "", List.of("stat", "-c", "%b", file.toString()))
                        .output()
                        .strip());
    }

    private static byte[] superblock(Path file, int offset, int length) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer bytes = ByteBuffer.allocate(length);
            channel.read(bytes, 1024 + (long) offset);
            return bytes.array();
        }
    }
}
