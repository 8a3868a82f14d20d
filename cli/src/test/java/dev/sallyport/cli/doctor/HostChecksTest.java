package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.cli.doctor.DiskCheck.Room;
import dev.sallyport.cli.doctor.PortCheck.Seen;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is judged of the host itself: KVM, network, port, disk, memory, clock. */
final class HostChecksTest {
    private static final Path CACHE = Path.of("/var/cache/sallyport");

    @Test
    void kvmIsBelievedWhenAGuestRan() {
        assertThat(KvmCheck.judge(new Answer(true, "a guest ran under KVM, in 812 ms"), CACHE))
                .isEqualTo(Finding.ok("KVM: a guest ran under KVM, in 812 ms."));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "there is no /dev/kvm | there is no /dev/kvm | kvm_intel",
                "/dev/kvm cannot be opened: Permission denied | cannot be opened | usermod",
                "a guest hangs under KVM here: within 10000 ms it said nothing | hangs | nested",
                "no guest runs under KVM here: QEMU ended with 134: failed to set MSR. | KVM: QEMU ended with 134 | nested",
            })
    void withoutAGuestItIsEmulationWithItsReason(String reason, String evidence, String remedy) {
        Finding finding = KvmCheck.judge(new Answer(false, reason), CACHE);
        assertThat(finding.state()).isEqualTo(State.WARNING);
        assertThat(finding.text())
                .startsWith("emulation: no guest comes up under KVM: ")
                .contains(evidence)
                .doesNotEndWith("..");
        assertThat(finding.remedy()).contains(remedy);
    }

    @Test
    void tapDevicesAreTriedAsRootAndMissedByNobodyElse() {
        assertThat(NetworkCheck.judge(false, false, new Answer(false, "")).state())
                .isEqualTo(State.OK);
        assertThat(NetworkCheck.judge(true, true, new Answer(true, "Made and removed")))
                .isEqualTo(Finding.ok("Made and removed."));
        Finding refused = NetworkCheck.judge(true, true, new Answer(false, "nft says: Operation not permitted"));
        assertThat(refused.state()).isEqualTo(State.WARNING);
        assertThat(refused.text()).contains("Operation not permitted");
        assertThat(refused.remedy()).contains("CAP_NET_ADMIN");
        assertThat(NetworkCheck.judge(true, false, new Answer(false, "there is no /dev/net/tun"))
                        .remedy())
                .contains("modprobe tun");
    }

    @ParameterizedTest
    @CsvSource({"unlimited, OK", "1048576, OK", "20000, OK", "1024, OK", "700, WARNING", "256, BROKEN"})
    void openFilesAreCountedAgainstTheHardLimit(String hard, State state) {
        String limits = "Limit                     Soft Limit           Hard Limit           Units     \n"
                + "Max processes             95000                95000                processes \n"
                + "Max open files            1024                 " + hard + "                files     \n";
        Finding finding = FilesCheck.judge(FilesCheck.limit(limits));
        assertThat(finding.state()).isEqualTo(state);
        assertThat(finding.remedy().contains("LimitNOFILE=")).isEqualTo(state != State.OK);
    }

    @Test
    void aFreePortAndOursAreWell() {
        assertThat(PortCheck.judge(new Seen("127.0.0.1:4000", "", Optional.empty(), "")))
                .isEqualTo(Finding.ok("127.0.0.1:4000 is free."));
        assertThat(PortCheck.judge(new Seen(
                        "127.0.0.1:4000",
                        "Address already in use",
                        Optional.of(
                                "{\"status\":\"ok\",\"timestamp\":\"x\",\"activeSessions\":2,\"version\":\"0.1.0\"}"),
                        "process 7 (java)")))
                .isEqualTo(Finding.ok("A Sallyport 0.1.0 serves at 127.0.0.1:4000 (process 7 (java))."));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "null",
            value = {
                "Address already in use | <html>hello | taken by process 7 (nginx)",
                "Address already in use | {\"status\":\"ok\"} | answered otherwise",
                "Address already in use | null | did not answer over HTTP",
                "Permission denied | null | Permission denied",
            })
    void anotherProgramsPortIsBroken(String refusal, String health, String evidence) {
        Finding finding =
                PortCheck.judge(new Seen("127.0.0.1:80", refusal, Optional.ofNullable(health), "process 7 (nginx)"));
        assertThat(finding.state()).isEqualTo(State.BROKEN);
        assertThat(finding.text()).contains(evidence);
        assertThat(finding.remedy()).contains("--port");
    }

    @ParameterizedTest
    @CsvSource({
        "true,  ext4,  11, 900, 1000, OK",
        "true,  ext4,   9, 900, 1000, WARNING",
        "true,  ext4,   1, 900, 1000, BROKEN",
        "false, ext4,   1, 900, 1000, BROKEN",
        "true,  ext4,  11,  40, 1000, BROKEN",
        "true,  ext4,  11, 4000, 100000, WARNING",
        "true,  btrfs, 11,   0,    0, OK",
        "true,  nfs4,  11, 900, 1000, WARNING",
        "true,  nfs4,   1, 900, 1000, BROKEN",
        "false, nfs4,  11, 900, 1000, OK",
        "true,  tmpfs, 11, 900, 1000, WARNING",
    })
    void roomInodesAndKindOfTheFileSystem(
            boolean durable, String type, long gib, long inodesFree, long inodes, State state) {
        Finding finding = DiskCheck.judge(new Room("Data", CACHE, durable, type, gib << 30, inodesFree, inodes));
        assertThat(finding.state()).as(finding.text()).isEqualTo(state);
        assertThat(finding.remedy().isEmpty()).isEqualTo(state == State.OK);
    }

    @Test
    void memoryIsTheHostsOrTheGroups() {
        String meminfo = "MemTotal:       8000000 kB\nMemFree:         100 kB\nMemAvailable:    4194304 kB\n";
        assertThat(MemoryCheck.availableMib(meminfo, Optional.empty(), Optional.empty()))
                .isEqualTo(4096);
        assertThat(MemoryCheck.availableMib(meminfo, Optional.of("max"), Optional.of("1")))
                .isEqualTo(4096);
        assertThat(MemoryCheck.availableMib(meminfo, Optional.of("2147483648"), Optional.of("1073741824")))
                .isEqualTo(1024);
        assertThat(MemoryCheck.availableMib(meminfo, Optional.of("1"), Optional.of("1073741824")))
                .isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "20000, OK, room for 10 sign-ins",
        "1900, OK, room for 1 sign-in at once",
        "1800, WARNING, one sign-in",
        "1000, BROKEN, one browser machine"
    })
    void signInsThatFit(long availableMib, State state, String text) {
        Finding finding = MemoryCheck.judge(availableMib, 1024, 512);
        assertThat(finding.state()).isEqualTo(state);
        assertThat(finding.text()).contains(text);
    }

    @ParameterizedTest
    @CsvSource({
        "2026-05-01T10:00:00Z, 2026-04-01T10:00:00Z, 0, OK",
        "2026-05-01T10:00:00Z, , 0, OK",
        "1970-01-01T00:10:00Z, , 0, BROKEN",
        "2126-05-01T10:00:00Z, , 0, BROKEN",
        "2026-05-01T10:00:00Z, 2026-05-01T10:00:01Z, 0, BROKEN",
        "2026-05-01T10:00:00Z, , 5000, WARNING",
        "2026-05-01T10:00:00Z, , -31, WARNING",
        "2026-05-01T10:00:00Z, , 2, OK",
    })
    void clocks(Instant now, Instant newest, long driftMs, State state) {
        Finding finding = ClockCheck.judge(now, Optional.ofNullable(newest), Duration.ofMillis(driftMs));
        assertThat(finding.state()).as(finding.text()).isEqualTo(state);
    }
}
