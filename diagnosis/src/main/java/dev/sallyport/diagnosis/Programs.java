package dev.sallyport.diagnosis;

import java.util.regex.Pattern;

/** Reads what dynamic loaders, shells and kernels say of a program that does not run. */
final class Programs {
    private static final Pattern LOADER = Pattern.compile(".*/(?:ld-linux|ld-musl|ld64|ld\\.so|ld-\\d)[^/]*");

    private Programs() {}

    /** Whether a path is that of a dynamic loader (PT_INTERP of elf(5)), by its name. */
    static boolean loader(String path) {
        return LOADER.matcher(path).matches();
    }

    /** The machine that a loader is of, by the names of the psABIs; empty when that is not known. */
    static String architecture(String loader) {
        String name = loader.substring(loader.lastIndexOf('/') + 1);
        if (name.contains("x86-64") || name.contains("x86_64")) {
            return "x86-64";
        }
        if (name.contains("aarch64")) {
            return "AArch64";
        }
        if (name.matches("ld-linux(?:-armhf)?\\.so\\.3|ld-linux-armhf.*|ld-musl-arm.*")) {
            return "32-bit ARM";
        }
        if (name.equals("ld-linux.so.2") || name.startsWith("ld-musl-i386")) {
            return "32-bit x86";
        }
        if (name.contains("riscv")) {
            return "RISC-V";
        }
        return name.startsWith("ld64.so.2") ? "POWER" : name.startsWith("ld64.so.1") ? "S/390" : "";
    }

    /** What a {@link Sign#NO_LIBRARY} says, as a sentence. */
    static String library(Mark mark) {
        String program = mark.word(1);
        String library = mark.word(2).isEmpty() ? mark.word(4) : mark.word(2);
        String why = (mark.word(3) + mark.word(5)).strip();
        return "the shared library " + library + (program.isEmpty() ? "" : " of " + program)
                + (absent(why) || why.isEmpty() ? " is not in the image." : " cannot be used (" + why + ").");
    }

    /** The text of ENOENT is in it. */
    static boolean absent(String text) {
        return text.contains("No such file") || text.contains("not found");
    }

    /** A file system could not give what it holds: EIO, EUCLEAN, EBADMSG, ELIBBAD. */
    static boolean unreadable(String text) {
        return text.contains("Input/output error")
                || text.contains("Structure needs cleaning")
                || text.contains("corrupted shared library");
    }
}
