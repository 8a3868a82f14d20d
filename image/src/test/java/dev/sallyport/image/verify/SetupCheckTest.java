package dev.sallyport.image.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.CauseCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether what systemd sets up before it starts the unit is there. */
final class SetupCheckTest {
    @ParameterizedTest
    @CsvSource({
        "User=ghost, UNIT_USER_MISSING",
        "Group=ghosts, UNIT_USER_MISSING",
        "SupplementaryGroups=root ghosts, UNIT_USER_MISSING",
        "WorkingDirectory=/gone, UNIT_DIRECTORY_MISSING",
        "WorkingDirectory=/etc/passwd, UNIT_DIRECTORY_MISSING",
        "WorkingDirectory=/var/lib/agent, UNIT_DIRECTORY_MISSING",
        "EnvironmentFile=/etc/default/agent, UNIT_ENVIRONMENT_MISSING",
        "EnvironmentFile=/etc/agent.d/*.env, UNIT_ENVIRONMENT_MISSING",
        "ReadWritePaths=/srv/data, UNIT_SETUP_FAILED",
        "BindPaths=/srv/data:/data, UNIT_SETUP_FAILED",
        "RootDirectory=/srv/root, UNIT_SETUP_FAILED",
        "StandardOutput=file:/var/log/agent/out.log, UNIT_SETUP_FAILED",
        "StandardError=append:/srv/log/err.log, UNIT_SETUP_FAILED"
    })
    void whatIsMissingIsFoundWithItsLine(String line, CauseCode code) {
        Finding found = Found.error(Root.sound().unit(line + "\n").findings(), code);
        assertThat(found.where()).isEqualTo(Root.UNIT + ":5");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "User=agent",
                "User=1234",
                "Group=agent",
                "User=ghost~DynamicUser=yes",
                "WorkingDirectory=-/gone",
                "WorkingDirectory=~",
                "WorkingDirectory=/opt/agent",
                "WorkingDirectory=/run/agent",
                "StateDirectory=agent~WorkingDirectory=/var/lib/agent",
                "WorkingDirectory=%S/agent~StateDirectory=agent",
                "EnvironmentFile=-/etc/default/agent",
                "EnvironmentFile=/etc/pass*",
                "ReadWritePaths=-/srv/data /tmp /opt",
                "BindReadOnlyPaths=/opt/agent:/x",
                "StandardOutput=journal",
                "StandardOutput=file:/run/x.log",
                "LogsDirectory=agent~StandardOutput=append:/var/log/agent/out.log",
                "User=ghost~User=agent",
                "EnvironmentFile=/gone~EnvironmentFile="
            })
    void whatIsThereOrMayBeMissingIsNoFinding(String lines) {
        Root root = Root.sound().folder("/root").unit(lines.replace('~', '\n') + "\n");
        Found.nothing(root.findings());
    }

    @Test
    void tmpfilesMakeFoldersAndSysusersMakeUsers() {
        Root root = Root.sound().unit("WorkingDirectory=/var/lib/agent\nUser=made\n");
        root.text("/usr/lib/tmpfiles.d/agent.conf", "d /var/lib/agent 0755 made made -\n");
        root.text("/usr/lib/sysusers.d/agent.conf", "u made - \"Agent\" /var/lib/agent\n");
        Found.error(root.findings(), CauseCode.UNIT_USER_MISSING, "systemd-sysusers");
        root.service(
                "systemd-sysusers.service",
                "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh\n");
        Found.nothing(root.wanted("sysinit.target", "systemd-sysusers.service").findings());
    }

    @Test
    void aDirectoryThatTheUserMayNotEnterIsFound() {
        Root root =
                Root.sound().unit("User=agent\nWorkingDirectory=/srv/data\n").folder("/srv/data");
        Found.nothing(root.findings());
        Found.error(root.mode("/srv/data", 0700, 0).findings(), CauseCode.UNIT_DIRECTORY_MISSING, "may not enter");
    }

    @Test
    void aServiceOfTheBusNeedsOne() {
        Root root = Root.sound().unit("Type=dbus\nBusName=dev.sallyport.Agent\n");
        root.text("/usr/lib/systemd/system/dbus.socket", "[Socket]\nListenStream=/run/dbus/system_bus_socket\n");
        Found.error(root.findings(), CauseCode.UNIT_DEPENDENCY_FAILED, "D-Bus daemon");
        Found.nothing(
                root.program("/usr/bin/dbus-daemon", Elves.program().bytes()).findings());
    }
}
