package dev.sallyport.acceptance.faults;

import static dev.sallyport.acceptance.faults.FaultCase.atRuntime;
import static dev.sallyport.acceptance.faults.FaultCase.inImage;
import static dev.sallyport.acceptance.faults.LayerFolder.AGENT;
import static dev.sallyport.model.VmType.BROWSER;

import dev.sallyport.image.Image;
import dev.sallyport.model.CauseCode;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** Faults of the agent's unit, and of the chain of files that it starts. */
final class UnitFaults {
    private static final String UNIT = "/etc/systemd/system/" + AGENT;
    private static final String ENABLING = "/etc/systemd/system/sallyport.target.wants/" + AGENT;
    private static final String PROGRAM = "/opt/fault/agent";
    /** A small program that every image has. */
    private static final String TRUE = "/usr/bin/true";

    private UnitFaults() {}

    static List<FaultCase> all() {
        return List.of(
                inImage(
                        "agent layer missing",
                        CauseCode.AGENT_MISSING,
                        "sallyport-agent",
                        images -> images.changed(
                                BROWSER,
                                layers -> layers.stream()
                                        .filter(layer -> !layer.name().equals("agent"))
                                        .toList())),
                inImage(
                        "unit not enabled",
                        CauseCode.UNIT_NOT_ENABLED,
                        "sallyport-agent",
                        with(layer -> layer.without(ENABLING))),
                inImage(
                        "enabling link dangling",
                        CauseCode.UNIT_LINK_DANGLING,
                        ENABLING.replace(".", "\\."),
                        with(layer -> layer.without(UNIT).link(ENABLING, "/etc/systemd/system/agent-of-old.service"))),
                inImage("unit masked", CauseCode.UNIT_MASKED, "mask", with(layer -> layer.link(UNIT, "/dev/null"))),
                inImage(
                        "unit file does not parse",
                        CauseCode.UNIT_INVALID,
                        AGENT,
                        with(layer -> layer.unit(AGENT, "[Unit]\nDescription=Agent\n[Servce]\nExecStart=/opt/x\n"))),
                inImage(
                        "unit waits for network-online, nothing waits online",
                        CauseCode.UNIT_TARGET_NOT_REACHED,
                        "network-online\\.target",
                        with(layer -> layer.without(ENABLING)
                                .link("/etc/systemd/system/network-online.target.wants/" + AGENT, UNIT))),
                inImage(
                        "unit waits for a device that never appears",
                        CauseCode.UNIT_WAITS_FOR_DEVICE,
                        "dev-vdz",
                        with(layer -> layer.agentSettings("[Unit]\nRequires=dev-vdz.device\nAfter=dev-vdz.device\n"))),
                inImage(
                        "a unit that it needs fails",
                        CauseCode.UNIT_DEPENDENCY_FAILED,
                        "needed\\.service",
                        with(layer -> layer.unit("needed.service", "[Service]\nType=oneshot\nExecStart=/opt/gone\n")
                                .agentSettings("[Unit]\nRequires=needed.service\nAfter=needed.service\n"))),
                inImage(
                        "ExecStart's file missing",
                        CauseCode.EXEC_MISSING,
                        PROGRAM,
                        with(layer -> layer.agentIs(PROGRAM))),
                inImage(
                        "ExecStart's file not executable",
                        CauseCode.EXEC_NOT_EXECUTABLE,
                        PROGRAM,
                        with(layer -> layer.text(PROGRAM, "#!/bin/sh\nexec sleep 600\n")
                                .agentIs(PROGRAM))),
                inImage(
                        "shebang names a missing interpreter",
                        CauseCode.INTERPRETER_MISSING,
                        "/usr/bin/node-of-old",
                        with(layer -> layer.program(PROGRAM, "#!/usr/bin/node-of-old\n")
                                .agentIs(PROGRAM))),
                inImage(
                        "ELF loader missing",
                        CauseCode.LOADER_MISSING,
                        "ld-linux-x86-64\\.so\\.9",
                        elf(program -> ElfPatch.text(program, "/ld-linux-x86-64.so.2", "/ld-linux-x86-64.so.9"))),
                inImage(
                        "shared library missing",
                        CauseCode.LIBRARY_MISSING,
                        "libq\\.so\\.6",
                        elf(program -> ElfPatch.text(program, "libc.so.6", "libq.so.6"))),
                inImage(
                        "symbol version (glibc) too new",
                        CauseCode.SYMBOL_VERSION_MISSING,
                        "GLIBC_2\\.94",
                        elf(program -> ElfPatch.symbolVersion(program, "GLIBC_2.34", "GLIBC_2.94"))),
                inImage("wrong architecture", CauseCode.ARCHITECTURE_WRONG, PROGRAM, elf(ElfPatch::otherArchitecture)),
                inImage(
                        "the unit's user is missing",
                        CauseCode.UNIT_USER_MISSING,
                        "nobody-we-know",
                        with(layer -> layer.agentSettings("[Service]\nUser=nobody-we-know\nRestart=no\n"))),
                inImage(
                        "working directory missing",
                        CauseCode.UNIT_DIRECTORY_MISSING,
                        "/srv/gone",
                        with(layer -> layer.agentSettings("[Service]\nWorkingDirectory=/srv/gone\nRestart=no\n"))),
                inImage(
                        "environment file missing",
                        CauseCode.UNIT_ENVIRONMENT_MISSING,
                        "/etc/agent\\.env|environment file",
                        with(layer -> layer.agentSettings("[Service]\nEnvironmentFile=/etc/agent.env\nRestart=no\n"))),
                atRuntime(
                        "emergency mode",
                        CauseCode.EMERGENCY_MODE,
                        "emergency|broken\\.mount",
                        with(layer -> layer.unit(
                                        "broken.mount",
                                        "[Mount]\nWhat=tmpfs\nWhere=/broken\nType=tmpfs\nOptions=size=nonsense\n")
                                .text("/etc/systemd/system/local-fs.target", """
[Unit]
DefaultDependencies=no
Requires=broken.mount
After=broken.mount
OnFailure=emergency.target
OnFailureJobMode=replace-irreversibly
""")
                                .link(
                                        "/etc/systemd/system/sallyport.target.requires/local-fs.target",
                                        "/etc/systemd/system/local-fs.target")
                                .agentSettings("[Unit]\nAfter=local-fs.target\n"))));
    }

    static Function<FaultImages, Image> with(Consumer<LayerFolder> content) {
        return images -> images.with(BROWSER, content);
    }

    private static Function<FaultImages, Image> elf(Function<byte[], byte[]> patch) {
        return images -> images.with(
                BROWSER,
                layer -> layer.bytes(PROGRAM, patch.apply(images.content(BROWSER, TRUE)), "rwxr-xr-x")
                        .agentIs(PROGRAM));
    }
}
