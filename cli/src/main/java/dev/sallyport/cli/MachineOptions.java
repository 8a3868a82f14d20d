package dev.sallyport.cli;

import dev.sallyport.controller.Settings;
import picocli.CommandLine.Option;

/** The options of all verbs that start machines. */
public final class MachineOptions {
    @Option(
            names = "--accelerator",
            paramLabel = "auto|kvm|tcg",
            description =
                    "how machines run: KVM where a guest was seen to run under it, else emulated (default: ${DEFAULT-VALUE})")
    private Settings.Accelerator accelerator = Settings.Accelerator.AUTO;

    @Option(
            names = "--network",
            paramLabel = "auto|user|tap",
            description =
                    "how machines are reached: TAP devices as root, else without privileges (default: ${DEFAULT-VALUE})")
    private Settings.Network network = Settings.Network.AUTO;

    @Option(
            names = "--hypervisor",
            paramLabel = "PROGRAM",
            description = "the hypervisor's program, a name on PATH or a path (default: qemu-system-x86_64)")
    private String hypervisor = "";

    /** {@code settings} with what was chosen. */
    public Settings applyTo(Settings settings) {
        return settings.with(accelerator, network).withHypervisor(hypervisor);
    }
}
