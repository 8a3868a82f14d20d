package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HolderTest {
    @TempDir
    Path data;

    @Test
    void aLockIsSeenWithoutTakingIt() throws Exception {
        assertThat(Holder.of(data)).isEmpty();
        Path file = data.resolve("postgres.lock");
        long self = ProcessHandle.current().pid();
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(("process " + self + " (java)").getBytes(StandardCharsets.US_ASCII)));
            assertThat(Holder.of(data)).as("written, but not locked").isEmpty();
            assertThat(channel.lock().isValid()).isTrue();
            long inode = (Long) Files.getAttribute(file, "unix:ino");
            assertThat(Holder.holder(Files.readString(Path.of("/proc/locks")), inode))
                    .hasValue(self);
            // Reading the file drops the lock of this very process, but that of no other one; see fcntl(2).
            assertThat(Holder.of(data)).contains(new Holder(self));
        }
        assertThat(Holder.of(data)).isEmpty();
    }

    @Test
    void locksOfOtherKindsAndFilesAreNone() {
        String locks = """
                1: FLOCK  ADVISORY  WRITE 11 fe:00:77 0 EOF
                2: POSIX  ADVISORY  WRITE 12 fe:00:177 0 EOF
                2: -> POSIX  ADVISORY  WRITE 13 fe:00:177 0 EOF
                3: OFDLCK ADVISORY  WRITE -1 fe:00:77 0 EOF
                4: POSIX  ADVISORY  WRITE 14 fe:00:78 0 EOF
                """;
        assertThat(Holder.holder(locks, 77)).isEmpty();
        assertThat(Holder.holder(locks, 177)).hasValue(12);
        assertThat(Holder.holder(locks, 78)).hasValue(14);
        assertThat(Holder.holder("", 78)).isEmpty();
    }
}
