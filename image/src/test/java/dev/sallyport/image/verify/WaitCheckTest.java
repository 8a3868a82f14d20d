package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether the unit waits for, or needs, something that does not come. */
final class WaitCheckTest {
    private static final String LIB = "/usr/lib/systemd/system/";
    private static final String ONLINE = "Wants=network-online.target\nAfter=network-online.target\n";
    private static final String START = "ExecStart=" + Root.AGENT;

    private static Root asking(String unit) {
        return Root.sound().unit(unit, START);
    }

    /** systemd-networkd and its wait-online service, both enabled. */
    private static Root networkd(Root root) {
        root.text(LIB + "systemd-networkd.service", "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh\n");
        root.text(LIB + "systemd-networkd-wait-online.service", """
                [Unit]
                DefaultDependencies=no
                BindsTo=systemd-networkd.service
                After=systemd-networkd.service
                Before=network-online.target
                [Service]
                Type=oneshot
                ExecStart=/lib/systemd/systemd-networkd-wait-online
                """);
        root.link(
                "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
                LIB + "systemd-networkd.service");
        return root.link(
                "/etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service",
                LIB + "systemd-networkd-wait-online.service");
    }

    @Test
    void aWaitOnlineServiceWhoseManagerManagesNothingIsFound() {
        Found.error(
                networkd(asking(ONLINE)).findings(),
                CauseCode.UNIT_WAITS_FOR_TARGET,
                "systemd-networkd-wait-online.service",
                "no .network file",
                "network-online.target");
    }

    @Test
    void aWaitOnlineServiceThatNobodyAsksForHoldsNothingUp() {
        Found.nothing(networkd(asking("")).findings());
    }

    @Test
    void aStaticInterfaceComesUpAndOneWithDhcpDoesNotInOurMachines() {
        Root fixed = networkd(asking(ONLINE))
                .text("/etc/systemd/network/10.network", "[Match]\nName=en* eth*\n[Network]\nAddress=10.0.0.2/24\n");
        Found.nothing(fixed.findingsAsOurs());
        Root dhcp = networkd(asking(ONLINE))
                .text("/etc/systemd/network/10.network", "[Match]\nType=ether\n[Network]\nDHCP=yes\n");
        Found.error(dhcp.findingsAsOurs(), CauseCode.UNIT_WAITS_FOR_TARGET, "DHCP");
        Found.warning(dhcp.findings(), CauseCode.UNIT_WAITS_FOR_TARGET, "DHCP");
    }

    @Test
    void aDropInThatMakesWaitingHarmlessIsSeen() {
        Root root = networkd(asking(ONLINE))
                .text(
                        "/etc/systemd/system/systemd-networkd-wait-online.service.d/x.conf",
                        "[Service]\nExecStart=\nExecStart=/bin/true\n");
        Found.nothing(root.findings());
    }

    @Test
    void aTargetThatNothingGivesAMeaningToIsAWarning() {
        Found.warning(asking(ONLINE).findings(), CauseCode.UNIT_WAITS_FOR_TARGET, "no wait-online service");
        Found.warning(
                asking("After=network-online.target\n").findings(), CauseCode.UNIT_WAITS_FOR_TARGET, "does not wait");
    }

    @Test
    void ifupdownWaitsForDhcpBeforeTheNetworkTarget() {
        Root root = asking("After=network.target\n");
        root.text(
                LIB + "networking.service",
                "[Unit]\nDefaultDependencies=no\nWants=network.target\nBefore=network.target network-online.target\n[Service]\nType=oneshot\nExecStart=/sbin/ifup -a\n");
        root.link("/etc/systemd/system/multi-user.target.wants/networking.service", LIB + "networking.service");
        root.text("/etc/network/interfaces", "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n");
        Found.nothing(root.findingsAsOurs());
        root.text("/etc/network/interfaces.d/eth0", "auto eth0\niface eth0 inet dhcp\n");
        Found.error(
                root.findingsAsOurs(),
                CauseCode.UNIT_WAITS_FOR_TARGET,
                "networking.service",
                "/etc/network/interfaces.d/eth0");
    }

    @Test
    void requisiteNeedsWhatNobodyStarts() {
        Found.error(
                asking("Requisite=network-online.target\nAfter=network-online.target\n")
                        .findings(),
                CauseCode.UNIT_TARGET_NOT_REACHED,
                "Requisite=");
        Found.error(
                asking("Requisite=db.service\n")
                        .service("db.service", "[Service]\nExecStart=/bin/sh\n")
                        .findings(),
                CauseCode.UNIT_DEPENDENCY_FAILED,
                "db.service");
    }

    @Test
    void aUnitThatItIsBoundToAndThatIsMissingMaskedOrRefusedIsFound() {
        String unit = "BindsTo=db.service\nAfter=db.service\n";
        Found.error(
                asking(unit).findings(),
                CauseCode.UNIT_DEPENDENCY_FAILED,
                "db.service",
                "is not there",
                Root.UNIT + ":3");
        Found.error(
                asking(unit).link("/etc/systemd/system/db.service", "/dev/null").findings(),
                CauseCode.UNIT_DEPENDENCY_FAILED,
                "is masked");
        Found.error(
                asking(unit).service("db.service", "[Service]\nType=simple\n").findings(),
                CauseCode.UNIT_DEPENDENCY_FAILED,
                "refused");
        Found.nothing(asking(unit)
                .service("db.service", "[Service]\nExecStart=/bin/sh\n")
                .findings());
    }

    @Test
    void aRequirementThatIsMissingBehindAWishIsAWarningAsSystemdStartsTheUnit() {
        String unit = "Requires=db.service\nAfter=db.service\n";
        Found.warning(asking(unit).findings(), CauseCode.UNIT_DEPENDENCY_FAILED, "db.service", Root.UNIT + ":3");
        Found.nothing(asking(unit)
                .service("db.service", "[Service]\nExecStart=/bin/sh\n")
                .findings());
    }

    @Test
    void aRequirementThatIsMissingSpoilsTheBootWhenRequirementsAloneLeadThere() {
        Root root = asking("Requires=db.service\n");
        root.link("/etc/systemd/system/multi-user.target.requires/sallyport-agent.service", Root.UNIT);
        Found.error(root.findings(), CauseCode.DEFAULT_TARGET_MISSING, "graphical.target");
    }

    @Test
    void aDependencyFurtherDownIsFoundToo() {
        Root root = asking("Requires=a.service\nAfter=a.service\n")
                .service("a.service", "[Unit]\nBindsTo=b.service\n[Service]\nExecStart=/bin/sh\n");
        Found.error(
                root.findings(),
                CauseCode.UNIT_DEPENDENCY_FAILED,
                "a.service, which is bound to b.service",
                "/etc/systemd/system/a.service:2");
    }

    @Test
    void whatIsOnlyWantedMayBeMissing() {
        Found.nothing(asking("Wants=gone.service\nAfter=gone.service\n").findings());
    }

    @Test
    void aRequiredServiceWithoutItsProgramIsFound() {
        Root root = asking("Requires=db.service\nAfter=db.service\n");
        root.service("db.service", "[Service]\nType=oneshot\nExecStart=/gone/db\n");
        Found.error(root.findings(), CauseCode.UNIT_DEPENDENCY_FAILED, "/gone/db");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BindsTo=dev-vdz.device\nAfter=dev-vdz.device\n",
                "Requires=dev-vda.device\nAfter=dev-vda.device\n"
            })
    void aDeviceWithoutUdevIsFound(String unit) {
        Found.error(asking(unit).findings(), CauseCode.UNIT_WAITS_FOR_DEVICE, "udev", Root.UNIT + ":");
    }

    @Test
    void aDeviceThatTheMachineHasAppearsWithUdev() {
        Found.nothing(
                asking("Requires=dev-vda.device\nAfter=dev-vda.device\n").udev().findings());
        Found.error(
                asking("Requires=dev-sdq.device\nAfter=dev-sdq.device\n").udev().findings(),
                CauseCode.UNIT_WAITS_FOR_DEVICE,
                "/dev/sdq");
    }

    @Test
    void aMountOfADiskThatIsNotThereEndsInEmergencyMode() {
        String line = "UUID=0b0b0b0b-0000-4000-8000-000000000000 /data ext4 defaults 0 2";
        Found.error(
                Root.sound().udev().fstab(line).findingsAsOurs(), CauseCode.EMERGENCY_MODE, "/data", "/etc/fstab:2");
        Found.error(
                Root.sound().fstab("/dev/sdz1 /data ext4 defaults 0 2").findings(),
                CauseCode.EMERGENCY_MODE,
                "/dev/sdz1");
        Found.nothing(
                Root.sound().udev().fstab(line.replace("defaults", "nofail")).findingsAsOurs());
        Found.nothing(
                Root.sound().udev().fstab(line.replace("defaults", "noauto")).findingsAsOurs());
        Found.nothing(
                Root.sound().udev().fstab("tmpfs /data tmpfs defaults 0 0").findingsAsOurs());
        Found.nothing(Root.sound().udev().fstab("UUID=0b0b / ext4 defaults 0 1").findingsAsOurs());
    }

    @Test
    void partitionsThatADiskImageOfOthersMayHaveAreNoErrors() {
        Root root = Root.sound().udev().fstab("LABEL=UEFI /boot/efi vfat umask=0077 0 1");
        Found.warning(root.findings(), CauseCode.EMERGENCY_MODE, "/boot/efi");
        Found.error(root.findingsAsOurs(), CauseCode.EMERGENCY_MODE);
    }

    @Test
    void withoutTheGeneratorTheTableIsNotRead() {
        Found.nothing(Root.sound()
                .text("/etc/fstab", "/dev/sdz1 /data ext4 defaults 0 2\n")
                .findings());
    }

    @Test
    void aMountUnitIsLookedAtAsTheTableIs() {
        Root root = Root.sound().udev().service("data.mount", "[Mount]\nWhat=/dev/sdz1\nWhere=/data\n");
        root.link("/etc/systemd/system/local-fs.target.requires/data.mount", "../data.mount");
        Found.error(root.findings(), CauseCode.EMERGENCY_MODE, "data.mount:2");
    }

    @Test
    void anOrderingThatComesBackToTheUnitIsFound() {
        Root root = asking("After=graphical.target\n");
        Found.error(root.findings(), CauseCode.UNIT_WAITS_FOR_TARGET, "waits for itself", "graphical.target");
        Root pair = asking("After=a.service\n")
                .service("a.service", "[Unit]\nAfter=sallyport-agent.service\n[Service]\nExecStart=/bin/sh\n");
        Found.nothing(pair.findings());
        Found.error(
                pair.wanted("multi-user.target", "a.service").findings(), CauseCode.UNIT_WAITS_FOR_TARGET, "a.service");
    }

    @Test
    void theTargetThatWantsItMayStandInItsOwnAfter() {
        Found.nothing(asking("After=multi-user.target\n")
                .remove("/usr/lib/systemd/system/graphical.target")
                .link(LIB + "default.target", "multi-user.target")
                .findings());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "ConditionPathExists=/opt/gone; false",
                "ConditionPathExists=!/opt/agent; false",
                "AssertPathIsDirectory=/etc/passwd; false",
                "ConditionFileIsExecutable=/etc/passwd; false",
                "ConditionDirectoryNotEmpty=/opt/nothing; false",
                "ConditionVirtualization=container; false",
                "ConditionPathExists=/opt/agent; true",
                "ConditionPathExists=!/opt/gone; true",
                "ConditionPathExists=|/opt/gone~ConditionPathExists=|/opt/agent; true",
                "ConditionPathExists=/run/later; true",
                "ConditionPathExists=/dev/vda; true",
                "ConditionVirtualization=vm; true",
                "ConditionHost=somewhere; true"
            })
    void conditionsAreJudgedAsFarAsFilesTell(String condition, String extra) {
        String line = condition.strip();
        boolean holds = extra.strip().endsWith("true");
        Root root = asking(line.replace('~', '\n') + "\n").folder("/opt/nothing");
        if (holds) {
            Found.nothing(root.findings());
        } else {
            Found.error(root.findings(), CauseCode.UNIT_SETUP_FAILED, "does not hold");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"systemd-time-wait-sync.service", "chrony-wait.service"})
    void theTimeIsNeverSetInOurMachines(String name) {
        Root root = asking("After=time-sync.target\nWants=time-sync.target\n");
        root.text(
                LIB + name,
                "[Unit]\nDefaultDependencies=no\nBefore=time-sync.target\n[Service]\nType=oneshot\nExecStart=/lib/systemd/wait\n");
        Found.nothing(root.findingsAsOurs());
        root.link("/etc/systemd/system/sysinit.target.wants/" + name, LIB + name);
        Found.error(root.findingsAsOurs(), CauseCode.UNIT_WAITS_FOR_TARGET, name);
    }

    @Test
    void aWaitWhoseConditionFailsIsPassedOver() {
        Root root = asking("After=slow.service\n")
                .service(
                        "slow.service",
                        "[Unit]\nConditionPathExists=/gone\n[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n");
        root.wanted("multi-user.target", "slow.service");
        Found.nothing(root.findings());
        root.service("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n");
        Found.error(root.findings(), CauseCode.UNIT_WAITS_FOR_TARGET, "sleeps for ever");
    }

    @Test
    void firstBootAsksOnlyWhereThereIsNoMachineId() {
        Root root = Root.sound()
                .text(
                        LIB + "systemd-firstboot.service",
                        "[Unit]\nDefaultDependencies=no\nConditionFirstBoot=yes\nBefore=sysinit.target\n[Service]\nType=oneshot\nExecStart=systemd-firstboot --prompt-locale\n");
        root.link(LIB + "sysinit.target.wants/systemd-firstboot.service", "../systemd-firstboot.service");
        Found.nothing(root.findings());
        root.remove("/etc/machine-id");
        assertThat(root.findings()).anyMatch(found -> found.text().contains("asks at the console"));
        Found.nothing(root.findingsAsOurs());
    }
}
