package dev.sallyport.machine.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.machine.ProcessIdentity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever this host offers: there is an answer with a reason, and nothing is left. */
@Timeout(60)
class QemuHostTest {
    @TempDir
    Path folder;

    @Test
    void tryingTapsLeavesNoDevice() throws Exception {
        List<String> before = devices();
        QemuHost.Answer answer = new QemuHost(QemuOptions.defaults(folder)).taps();
        assertThat(answer.reason()).isNotBlank().doesNotContain("could not be removed");
        assertThat(devices()).isSubsetOf(before);
    }

    @Test
    void aGuestThatHangsIsEnded() throws Exception {
        Path kernel = Files.writeString(folder.resolve("kernel"), "kernel");
        Path player = Files.writeString(
                folder.resolve("player"),
                "#!/bin/sh\necho $$ >" + folder.resolve("pid") + "\necho booting\nsleep 1000\n");
        assertThat(player.toFile().setExecutable(true)).isTrue();
        QemuOptions defaults = QemuOptions.defaults(folder.resolve("cache"));
        var options = new QemuOptions(
                defaults.cache(),
                player.toString(),
                defaults.accelerator(),
                defaults.network(),
                defaults.board(),
                System.getProperty("user.name"),
                defaults.subnet(),
                defaults.startDeadline(),
                Duration.ofMillis(500));

        QemuHost.Answer answer = new QemuHost(options).kvm(kernel, kernel);

        assertThat(answer.usable()).isFalse();
        assertThat(answer.reason()).containsAnyOf("hangs under KVM", "there is no /dev/kvm", "cannot be opened");
        if (Files.exists(folder.resolve("pid"))) {
            long pid = Long.parseLong(Files.readString(folder.resolve("pid")).strip());
            assertThat(ProcessIdentity.of(pid)).isEmpty();
        }
    }

    private static List<String> devices() throws Exception {
        try (Stream<Path> all = Files.list(Path.of("/sys/class/net"))) {
            return all.map(path -> path.getFileName().toString())
                    .filter(name -> name.startsWith("spt"))
                    .toList();
        }
    }
}
