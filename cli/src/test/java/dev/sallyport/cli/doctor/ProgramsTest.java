package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.cli.doctor.Programs.Found;
import dev.sallyport.cli.doctor.Programs.Need;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ProgramsTest {
    private static Found found(String program, String debian, String version) {
        return new Found(new Need(program, debian, "-V"), Optional.of(Path.of("/usr/bin", program)), version, "");
    }

    private static Found missing(String program, String debian) {
        return new Found(new Need(program, debian, "-V"), Optional.empty(), "", "");
    }

    @Test
    void allThere() {
        assertThat(Programs.judge(List.of(found("socat", "socat", "1.7.4"), found("mvn", "maven", ""))))
                .containsExactly(Finding.ok("2 programs are there: socat 1.7.4, mvn."));
    }

    @Test
    void whatIsMissingIsInstalledByOneLine() {
        List<Finding> findings = Programs.judge(List.of(
                missing("qemu-system-x86_64", "qemu-system-x86"),
                missing("ip", "iproute2"),
                found("xz", "xz-utils", "5.4.1")));
        assertThat(findings).extracting(Finding::state).containsExactly(State.BROKEN, State.OK);
        assertThat(findings.getFirst().text()).isEqualTo("qemu-system-x86_64, ip are missing.");
        assertThat(findings.getFirst().remedy())
                .isEqualTo(
                        "sudo apt-get update && sudo apt-get install --no-install-recommends --yes iproute2 qemu-system-x86");
    }

    @Test
    void whatCannotBeRunIsBroken() {
        List<Finding> findings = Programs.judge(List.of(new Found(
                new Need("nft", "nftables", "-V"),
                Optional.of(Path.of("/usr/sbin/nft")),
                "",
                "it ended with 127: libnftables.so.1: cannot open")));
        assertThat(findings).extracting(Finding::state).containsExactly(State.BROKEN);
        assertThat(findings.getFirst().text()).contains("nft cannot be run").contains("libnftables.so.1");
        assertThat(findings.getFirst().remedy()).endsWith("--reinstall nftables");
    }
}
