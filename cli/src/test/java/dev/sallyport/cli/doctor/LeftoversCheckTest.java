package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.cli.doctor.LeftoversCheck.Seen;
import dev.sallyport.cli.doctor.LeftoversCheck.Thing;
import dev.sallyport.model.Folders;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class LeftoversCheckTest {
    private static final String OURS = "m-aaaaaaaaaaaa";
    private static final String OTHERS = "m-bbbbbbbbbbbb";
    private static final Optional<Holder> NOBODY = Optional.empty();

    private static Thing process(long pid, String machine) {
        return new Thing("process " + pid + " (qemu-" + machine + ")", machine, "kill " + pid);
    }

    private static Thing device(String machine) {
        String name = "spt" + machine.substring(2);
        return new Thing("TAP device " + name, machine, "ip link delete dev " + name);
    }

    @Test
    void nothingLeft() {
        assertThat(LeftoversCheck.judge(new Seen(List.of(), List.of(), List.of(), false, NOBODY)))
                .containsExactly(Finding.ok("Nothing is left of earlier machines."));
    }

    @Test
    void whatAKilledControllerLeftGoesWithTheNextStart() {
        List<Finding> findings = LeftoversCheck.judge(
                new Seen(List.of(OURS), List.of(process(5, OURS)), List.of(device(OURS)), true, NOBODY));
        assertThat(findings).singleElement().satisfies(finding -> {
            assertThat(finding.state()).isEqualTo(State.WARNING);
            assertThat(finding.text())
                    .contains("No controller works on this data folder")
                    .contains("1 machine's folder (" + OURS + ")")
                    .contains("process 5")
                    .contains("TAP device sptaaaaaaaaaaaa");
            assertThat(finding.remedy()).contains("next start");
        });
    }

    @Test
    void aRunningControllersThingsAreItsOwn() {
        List<Finding> findings = LeftoversCheck.judge(new Seen(
                List.of(OURS), List.of(process(5, OURS)), List.of(device(OURS)), true, Optional.of(new Holder(3))));
        assertThat(findings).singleElement().satisfies(finding -> {
            assertThat(finding.state()).isEqualTo(State.OK);
            assertThat(finding.text()).contains("process 3").contains("process 5");
        });
    }

    @Test
    void whatIsOfNoMachineHereIsToldApart() {
        List<Finding> findings = LeftoversCheck.judge(new Seen(
                List.of(OURS),
                List.of(process(5, OURS), process(6, OTHERS)),
                List.of(device(OTHERS)),
                true,
                Optional.of(new Holder(3))));
        assertThat(findings).extracting(Finding::state).containsExactly(State.OK, State.WARNING);
        assertThat(findings.getLast().text()).contains("process 6").doesNotContain("process 5");
        assertThat(findings.getLast().remedy()).contains("kill 6; ip link delete dev sptbbbbbbbbbbbb");
    }

    @Test
    void rulesWithoutADeviceAreHarmless() {
        assertThat(LeftoversCheck.judge(new Seen(List.of(), List.of(), List.of(), true, NOBODY)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.remedy()).contains("nft delete table inet sallyport"));
    }

    @Test
    void aMarkedProcessIsSeen(@TempDir Path folder) throws Exception {
        var builder = new ProcessBuilder("sleep", "1000");
        builder.environment().put("SALLYPORT_MARKER", "qemu-" + OTHERS + "-probe");
        Process process = builder.start();
        try {
            List<Finding> findings = new LeftoversCheck(new Folders(folder, folder, folder), false).look();
            assertThat(findings)
                    .anySatisfy(finding -> assertThat(finding.text())
                            .contains("process " + process.pid() + " (qemu-" + OTHERS + "-probe)"));
        } finally {
            process.destroyForcibly();
            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }
    }
}
