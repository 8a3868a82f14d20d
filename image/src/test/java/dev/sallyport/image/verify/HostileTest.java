package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.image.verify.elf.Globs;
import dev.sallyport.model.CauseCode;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is in an image, a verification ends, and says something short. */
final class HostileTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void aProgramWithFlippedBytesEnds(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            byte[] program = Elves.program()
                    .needs("libc.so.6", "GLIBC_2.2.5", "GLIBC_2.34")
                    .needs("liba.so", "A_1")
                    .defines("B_1")
                    .bytes();
            byte[] library = Elves.library().defines("GLIBC_2.34", "GLIBC_2.36").bytes();
            for (int i = 0; i < 1 + random.nextInt(12); i++) {
                program[random.nextInt(2300)] = (byte) random.nextInt(256);
                library[random.nextInt(2300)] = (byte) random.nextInt(256);
            }
            Root root = Root.sound().program(Root.AGENT, program).program("/usr/lib/liba.so", library);
            assertThat(root.findings()).hasSizeLessThan(20);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void aUnitOfRandomTextEnds(long seed) {
        var random = new Random(seed);
        String[] parts = {
            "[Service]",
            "[Unit]",
            "[",
            "]",
            "\n",
            "\r",
            "\\",
            "\\\n",
            "ExecStart=",
            "Environment=",
            "User=",
            "=",
            "\"",
            "'",
            "%",
            "%i",
            "/bin/sh",
            " ",
            ";",
            "#",
            "\0",
            "\u001b",
            "After=",
            "Requires=sallyport-agent.service",
            "-",
            "\\x",
            "\\777",
            "\uFEFF",
            "EnvironmentFile=/[",
            "*?[!",
            "ConditionPathExists=|!"
        };
        for (int round = 0; round < 150; round++) {
            var text = new StringBuilder();
            for (int i = 0; i < 60; i++) {
                text.append(parts[random.nextInt(parts.length)]);
            }
            assertThat(Root.sound().text(Root.UNIT, text.toString()).findings()).hasSizeLessThan(200);
        }
    }

    @Test
    void largeTablesAndLongLinesEnd() {
        String many = "Unknwon=1\n".repeat(90_000);
        assertThat(Root.sound()
                        .text(Root.UNIT, "[Service]\nExecStart=/bin/sh\n" + many)
                        .findings())
                .hasSizeLessThan(100);
        assertThat(Root.sound()
                        .unit("", "ExecStart=/bin/sh " + "nc -l ".repeat(100_000))
                        .findings())
                .hasSizeLessThan(20);
        assertThat(Root.sound()
                        .fstab("/dev/" + "\\".repeat(200_000) + " /x ext4")
                        .findings())
                .hasSizeLessThan(20);
        assertThat(Root.sound().fstab("/dev/x /x ext4\n".repeat(15_000)).findings())
                .hasSizeLessThan(20);
        String key = "-----BEGIN " + "A ".repeat(100_000);
        Found.nothing(Root.sound().text("/etc/x.key", key).findings());
    }

    @Test
    void unitsThatNeedEachOtherEnd() {
        Root root = Root.sound().unit("Requires=unit0.service\nAfter=unit0.service\n", "ExecStart=" + Root.AGENT);
        for (int i = 0; i < 400; i++) {
            root.service(
                    "unit" + i + ".service",
                    "[Unit]\nRequires=unit" + (i + 1) % 400 + ".service sallyport-agent.service\nAfter=unit"
                            + (i + 1) % 400 + ".service\n[Service]\nExecStart=/bin/sh\n");
        }
        Found.noError(root.findings());
    }

    @Test
    void linksThatLeadInCirclesEnd() {
        Root root = Root.sound()
                .link("/etc/systemd/system/a.service", "b.service")
                .link("/etc/systemd/system/b.service", "a.service");
        root.link("/etc/systemd/system/multi-user.target.wants/a.service", "a.service")
                .link(Root.AGENT, "agent");
        Found.error(root.findings(), CauseCode.EXEC_MISSING);
    }

    @Test
    void patternsMatchAsTheShellHasThem() {
        assertThat(Globs.matches("*.conf", "a.conf")).isTrue();
        assertThat(Globs.matches("*.conf", ".conf")).isFalse();
        assertThat(Globs.matches("en[po]*[0-9]", "enp0s2")).isTrue();
        assertThat(Globs.matches("en[!po]*", "enp0s2")).isFalse();
        assertThat(Globs.matches("?th0", "eth0")).isTrue();
        assertThat(Globs.matches("a[", "a[")).isTrue();
        assertThat(Globs.matches("*a".repeat(100) + "b", "a".repeat(255))).isFalse();
    }
}
