package dev.sallyport.image.verify.elf;

import java.util.List;

/**
 * A processor architecture, as ELF headers name it.
 *
 * @param machine {@code e_machine}
 * @param wide true for 64-bit files
 * @param little true for the least significant byte first
 */
public record Architecture(int machine, boolean wide, boolean little) {
    /** x86-64. */
    public static final Architecture X86_64 = new Architecture(62, true, true);

    private static final List<Integer> I386 = List.of(3, 6);

    /** For people. */
    public String name() {
        return switch (machine) {
            case 3, 6 -> "i386";
            case 8 -> "MIPS";
            case 20 -> "32-bit PowerPC";
            case 21 -> wide && little ? "ppc64el" : "PowerPC";
            case 22 -> "s390x";
            case 40 -> "32-bit ARM";
            case 62 -> wide ? "x86-64" : "x32";
            case 183 -> "ARM64";
            case 243 -> "RISC-V";
            case 258 -> "LoongArch";
            default -> "ELF machine " + machine;
        };
    }

    /** True when a machine of this architecture runs programs of {@code other}: its own, and i386's on x86-64 kernels. */
    public boolean runs(Architecture other) {
        return equals(other) || (equals(X86_64) && I386.contains(other.machine) && !other.wide && other.little);
    }
}
