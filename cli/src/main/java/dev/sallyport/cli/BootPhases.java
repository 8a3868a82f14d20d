package dev.sallyport.cli;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How far a boot got, by its console: the first line of each phase. A machine can write any of them; it fools its reader alone. */
final class BootPhases {
    /** The phases of a Linux boot in their order, each with what its first line looks like. */
    enum Phase {
        FIRMWARE("^(?:SeaBIOS|iPXE|BdsDxe|UEFI firmware|EFI stub)|GNU GRUB|Booting from "),
        KERNEL("Linux version [0-9]"),
        INITRAMFS("sallyport-initramfs: |Run /init as init process|Loading, please wait|dracut[-:]"),
        ROOT("EXT4-fs \\([^)]*\\): mounted|erofs \\(?.*mounted|overlayfs: |Run /sbin/init as init process"),
        SYSTEMD("systemd\\[1\\]: systemd [0-9]+.* running in|^Welcome to "),
        TARGET("Reached target (?:[a-z-]*\\.target - )?(?:Multi-User|Graphical|Sallyport|sallyport)"),
        AGENT("Start(?:ed|ing) (?:AGENT_UNIT)"),
        LAST_WORDS("sallyport-words: BEGIN ");

        private final String pattern;

        Phase(String pattern) {
            this.pattern = pattern;
        }

        /** For people. */
        String title() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }

        private Pattern pattern(String unit) {
            return Pattern.compile(pattern.replace("AGENT_UNIT", Pattern.quote(unit)));
        }
    }

    /**
     * Where a phase begins.
     *
     * @param number of the line, from 1
     * @param seconds since the kernel began, where the line says so
     */
    record Beginning(Phase phase, long number, OptionalDouble seconds, String line) {}

    private static final Pattern KERNEL_TIME = Pattern.compile("^\\[ *([0-9]{1,9}\\.[0-9]{1,9})\\]");

    private final Map<Phase, Pattern> wanted = new EnumMap<>(Phase.class);
    private final List<Beginning> found = new ArrayList<>();

    /** @param unit the agent's */
    BootPhases(String unit) {
        for (Phase phase : Phase.values()) {
            wanted.put(phase, phase.pattern(unit));
        }
    }

    /** Takes the next line. */
    void add(long number, String line) {
        wanted.entrySet().removeIf(phase -> {
            if (!phase.getValue().matcher(line).find()) {
                return false;
            }
            found.add(new Beginning(phase.getKey(), number, seconds(line), line));
            return true;
        });
    }

    /** The phases that were reached, as they came. */
    List<Beginning> found() {
        return List.copyOf(found);
    }

    /** The kernel's own time of a line. */
    static OptionalDouble seconds(String line) {
        Matcher time = KERNEL_TIME.matcher(line);
        return time.find() ? OptionalDouble.of(Double.parseDouble(time.group(1))) : OptionalDouble.empty();
    }
}
