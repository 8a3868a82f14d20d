package dev.sallyport.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernel for real, as root, in namespaces that end with the test. */
@Timeout(60)
class LinuxKernelTest {
    @TempDir
    Path folder;

    @Test
    void whatIsSetIsWhatTheKernelHas() throws Exception {
        assumeThat(System.getProperty("user.name")).isEqualTo("root");
        assumeThat(Path.of("/usr/bin/unshare")).exists();
        assumeThat(Path.of("/dev/net/tun")).exists();
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder(
                        "unshare",
                        "--mount",
                        "--uts",
                        "--net",
                        "sh",
                        "-euc",
                        "ip tuntap add here0 mode tap; ip link set here0 up\n\"$@\"\nip -4 route show",
                        "sh",
                        java,
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.sallyport.agent.linux.KernelProbe",
                        "here0",
                        folder.resolve("boot_id").toString())
                .redirectErrorStream(true)
                .start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

        assertThat(lines)
                .map(line -> line.replace("linkdown", "").strip())
                .containsExactly(
                        "before []",
                        "first [10.9.8.7/24]",
                        "second [10.77.0.2/32]",
                        "name a-clone",
                        "boot true",
                        "clock true",
                        "default via 10.77.0.1 dev here0",
                        "10.77.0.1 dev here0 scope link");
    }

    @Test
    void uuidsAreRandomAndOfVersion4() {
        assertThat(KernelRandom.uuid().version()).isEqualTo(4);
        assertThat(KernelRandom.uuid().variant()).isEqualTo(2);
        assertThat(KernelRandom.uuid()).isNotEqualTo(KernelRandom.uuid());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.2.2",
                "10.0.2/24",
                "10.0.2.256/24",
                "10.0.2.2/33",
                "10.0.2.2/",
                "010.0.2.2/8",
                "a.b.c.d/8"
            })
    void otherFormsAreNoAddresses(String text) {
        assertThat(Ipv4.Net.of(text)).isEmpty();
    }

    @Test
    void addressesAreReadAndWritten() {
        assertThat(Ipv4.of("192.168.255.1"))
                .hasValueSatisfying(ip -> assertThat(ip).hasToString("192.168.255.1"));
        assertThat(Ipv4.Net.of("10.0.0.1/30").orElseThrow().mask()).hasToString("255.255.255.252");
        assertThat(Ipv4.Net.of("10.0.0.1/0").orElseThrow().mask()).isEqualTo(Ipv4.ZERO);
    }
}
