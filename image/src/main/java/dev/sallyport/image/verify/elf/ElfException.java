package dev.sallyport.image.verify.elf;

/** A file is no ELF file that could be run or linked; the message is a clause that says why. */
public final class ElfException extends Exception {
    private static final long serialVersionUID = 1L;

    ElfException(String message) {
        super(message);
    }
}
