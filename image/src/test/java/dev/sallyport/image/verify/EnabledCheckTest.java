package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether the unit is there, can be loaded, and is started by the boot. */
final class EnabledCheckTest {
    private static final String LIB = "/usr/lib/systemd/system/";

    @Test
    void aSoundRootHasNoFinding() {
        Found.nothing(Root.sound().findings());
        Found.nothing(Root.sound().findingsAsOurs());
    }

    @Test
    void aMissingUnitIsFoundOnce() {
        Found.error(Root.sound().remove(Root.UNIT).remove(Root.WANTS).findings(), CauseCode.AGENT_MISSING, Root.UNIT);
    }

    @Test
    void aUnitOfAnotherNameIsNamed() {
        Root root = Root.sound()
                .remove(Root.UNIT)
                .remove(Root.WANTS)
                .text(LIB + "vm-browser-agent.service", "[Service]\nExecStart=/bin/sh\n");
        Found.error(root.findings(), CauseCode.AGENT_MISSING, "vm-browser-agent.service", "--unit");
    }

    @Test
    void aUnitWithoutALinkIsNotEnabledAndItsInstallSectionIsNamed() {
        Finding found = Found.error(
                Root.sound().remove(Root.WANTS).findings(), CauseCode.UNIT_NOT_ENABLED, "multi-user.target.wants");
        assertThat(found.line()).isGreaterThan(0);
    }

    @Test
    void aLinkToNowhereIsFoundWhetherTheUnitIsThereOrNot() {
        Found.error(
                Root.sound().link(Root.WANTS, "/etc/systemd/system/old.service").findings(),
                CauseCode.UNIT_LINK_DANGLING,
                "old.service");
        Found.error(Root.sound().remove(Root.UNIT).findings(), CauseCode.UNIT_LINK_DANGLING, Root.WANTS);
    }

    @Test
    void aSecondLinkToNowhereIsAWarning() {
        Root root = Root.sound()
                .link("/etc/systemd/system/graphical.target.wants/sallyport-agent.service", "../gone.service");
        Found.warning(root.findings(), CauseCode.UNIT_LINK_DANGLING, "graphical.target.wants");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/null", "../../../../dev/null"})
    void aMaskedUnitIsFound(String target) {
        Root root = Root.sound();
        root.text(LIB + "sallyport-agent.service", "[Service]\nExecStart=/bin/sh\n");
        Found.error(root.link(Root.UNIT, target).findings(), CauseCode.UNIT_MASKED, Root.UNIT);
    }

    @Test
    void anEmptyFileMasksToo() {
        Found.error(Root.sound().text(Root.UNIT, "").findings(), CauseCode.UNIT_MASKED);
        Found.error(Root.sound().findingsAsOurs("systemd.mask=sallyport-agent.service"), CauseCode.UNIT_MASKED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"network-online.target", "rescue.target", "cloud-init.target", "no-such.target"})
    void aTargetThatTheBootNeverReachesIsFound(String target) {
        Root root = Root.sound()
                .remove(Root.WANTS)
                .text(LIB + "rescue.target", "[Unit]\n")
                .text(LIB + "cloud-init.target", "[Unit]\n");
        root.link("/etc/systemd/system/" + target + ".wants/sallyport-agent.service", Root.UNIT);
        Found.error(root.findings(), CauseCode.UNIT_TARGET_NOT_REACHED, target);
    }

    @Test
    void aTargetThatAnotherUnitPullsInIsReached() {
        Root root = Root.sound()
                .remove(Root.WANTS)
                .service("other.service", "[Unit]\nWants=network-online.target\n[Service]\nExecStart=/bin/sh\n");
        root.wanted("multi-user.target", "other.service");
        root.link("/etc/systemd/system/network-online.target.wants/sallyport-agent.service", Root.UNIT);
        Found.nothing(root.findings());
    }

    @Test
    void theKernelsCommandLineNamesTheGoal() {
        Root root = Root.sound().text(LIB + "rescue.target", "[Unit]\n");
        Found.error(root.findingsAsOurs("quiet", "systemd.unit=rescue.target"), CauseCode.UNIT_TARGET_NOT_REACHED);
        Found.error(root.findingsAsOurs("single"), CauseCode.UNIT_TARGET_NOT_REACHED);
        Found.nothing(root.findingsAsOurs("systemd.unit=multi-user.target"));
    }

    @Test
    void aDefaultTargetThatIsMissingDanglingOrALoopIsFound() {
        Found.error(Root.sound().remove(LIB + "default.target").findings(), CauseCode.DEFAULT_TARGET_MISSING);
        Found.error(
                Root.sound()
                        .link("/etc/systemd/system/default.target", "/nowhere/x.target")
                        .remove(LIB + "default.target")
                        .findings(),
                CauseCode.DEFAULT_TARGET_MISSING,
                "/nowhere/x.target");
        Found.error(
                Root.sound()
                        .link("/etc/systemd/system/default.target", "default.target")
                        .remove(LIB + "default.target")
                        .findings(),
                CauseCode.DEFAULT_TARGET_MISSING);
    }

    @Test
    void anAliasATemplateAndATypeLevelDropInAreUnderstood() {
        Root root = Root.sound().remove(Root.UNIT).remove(Root.WANTS);
        root.text(LIB + "agent@.service", "[Service]\nExecStart=/opt/%i/bin/agent\n[Install]\nAlias=other.service\n");
        root.link("/etc/systemd/system/multi-user.target.wants/agent@agent.service", LIB + "agent@.service");
        Options options = Options.foreign(List.of("agent@agent.service"));
        Found.nothing(TreeVerifier.verify(root.tree(), options));
        root.link("/etc/systemd/system/other.service", LIB + "whole.service")
                .text(LIB + "whole.service", "[Service]\nExecStart=/bin/sh\n");
        root.link("/etc/systemd/system/multi-user.target.wants/whole.service", LIB + "whole.service");
        Found.nothing(TreeVerifier.verify(root.tree(), Options.foreign(List.of("other.service"))));
        root.text("/etc/systemd/system/service.d/10-type.conf", "[Service]\nWorkingDirectory=/gone\n");
        Found.error(
                TreeVerifier.verify(root.tree(), options),
                CauseCode.UNIT_DIRECTORY_MISSING,
                "service.d/10-type.conf:2");
    }

    @Test
    void dropInsAreMergedAndMayReset() {
        Root root = Root.sound().text(Root.UNIT + ".d/override.conf", "[Service]\nExecStart=\nExecStart=/gone/agent\n");
        Found.error(root.findings(), CauseCode.EXEC_MISSING, "override.conf:3", "/gone/agent");
        root.text(
                "/usr/lib/systemd/system/sallyport-.service.d/zz.conf",
                "[Service]\nExecStart=\nExecStart=" + Root.AGENT + "\n");
        Found.nothing(root.findings());
    }

    @Test
    void aTimerOrSocketThatStartsItIsEnough() {
        Root root = Root.sound().remove(Root.WANTS).service("sallyport-agent.timer", "[Timer]\nOnBootSec=1\n");
        Found.error(root.findings(), CauseCode.UNIT_NOT_ENABLED);
        Found.nothing(root.wanted("timers.target", "sallyport-agent.timer").findings());
    }

    @Test
    void aCopiedFileInsteadOfALinkDoesNotCount() {
        Found.error(
                Root.sound().text(Root.WANTS, "[Service]\nExecStart=/bin/sh\n").findings(),
                CauseCode.UNIT_NOT_ENABLED,
                "no link");
    }

    @Test
    void theReportSaysWhatWasProven() {
        Verification report = TreeVerifier.report(Root.sound().tree(), Options.foreign(List.of("sallyport-agent")));
        assertThat(report.sound()).isTrue();
        assertThat(report.proven())
                .anySatisfy(clause -> assertThat(clause).contains("sallyport-agent.service", "graphical.target"));
    }
}
