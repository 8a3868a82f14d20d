package dev.sallyport.image.verify;

import dev.sallyport.image.verify.elf.Architecture;
import java.util.List;
import java.util.Optional;

/**
 * What is to be proven of a tree, and for which machine.
 *
 * @param units names of the units that must come up
 * @param architecture of the machine; empty when the tree's own programs tell
 * @param port what the agent listens on
 * @param kernelArguments the kernel's command line, as far as the image fixes it
 * @param ours true for an image of ours: its machines get identity and address from the initramfs, and have the disks of its layers
 *     and no others
 * @param dhcp true when the machine's network answers DHCP
 */
public record Options(
        List<String> units,
        Optional<Architecture> architecture,
        int port,
        List<String> kernelArguments,
        boolean ours,
        boolean dhcp) {
    /** The unit of our own agent. */
    public static final String AGENT = "sallyport-agent.service";

    /** What an agent listens on. */
    public static final int AGENT_PORT = 8080;

    public Options {
        units = units.stream()
                .map(name -> name.contains(".") ? name : name + ".service")
                .distinct()
                .toList();
        kernelArguments = List.copyOf(kernelArguments);
    }

    /** For an image of ours. */
    public static Options ours(List<String> units, List<String> kernelArguments) {
        return new Options(
                units.isEmpty() ? List.of(AGENT) : units,
                Optional.of(Architecture.X86_64),
                AGENT_PORT,
                kernelArguments,
                true,
                false);
    }

    /** For a root file system that others made, of whose machine nothing is known but that it has no DHCP. */
    public static Options foreign(List<String> units) {
        return new Options(
                units.isEmpty() ? List.of(AGENT) : units, Optional.empty(), AGENT_PORT, List.of(), false, false);
    }
}
