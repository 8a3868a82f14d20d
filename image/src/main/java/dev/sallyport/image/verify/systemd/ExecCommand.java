package dev.sallyport.image.verify.systemd;

import java.util.List;

/**
 * One command of a unit.
 *
 * @param setting where it stands
 * @param program an absolute path, or a bare name that is looked for on {@link #SEARCHED}
 * @param arguments without the program's own name; variables are not replaced
 * @param failureIgnored true when its line has the prefix {@code -}
 * @param privileged true when it runs as root whatever {@code User=} says ({@code +}, {@code !})
 */
public record ExecCommand(
        Setting setting, String program, List<String> arguments, boolean failureIgnored, boolean privileged) {
    /** Where systemd of Debian looks for bare names, and what is its {@code PATH}. */
    public static final List<String> SEARCHED =
            List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

    public ExecCommand {
        arguments = List.copyOf(arguments);
    }
}
