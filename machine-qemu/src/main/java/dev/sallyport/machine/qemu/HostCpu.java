package dev.sallyport.machine.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the host says of its processor. */
final class HostCpu {
    private static final Pattern MODEL = Pattern.compile("(?m)^model name\\s*:\\s*(.*)$");
    private static final Pattern FLAGS = Pattern.compile("(?m)^flags\\s*:\\s*(.+)$");
    private static final Pattern NOMINAL = Pattern.compile("@\\s*(\\d+(?:\\.\\d+)?)\\s*GHz");
    private static final Pattern CURRENT = Pattern.compile("(?m)^cpu MHz\\s*:\\s*(\\d+(?:\\.\\d+)?)$");

    private HostCpu() {}

    /** {@code /proc/cpuinfo}. */
    static String info() throws IOException {
        return Files.readString(Path.of("/proc/cpuinfo"), StandardCharsets.ISO_8859_1);
    }

    /** The model's name; "unknown" where the host does not tell. */
    static String model(String info) {
        Matcher model = MODEL.matcher(info);
        return model.find() ? model.group(1) : "unknown";
    }

    /** What the processor can do, in its own words; empty where the host does not tell. */
    static String flags(String info) {
        Matcher flags = FLAGS.matcher(info);
        return flags.find() ? flags.group(1) : "";
    }

    /**
     * The rate of the time stamp counter in kHz, as well as it can be known without reading the counter: the base frequency,
     * then the one in the model's name, then the present one (which on a virtual machine is the counter's own).
     *
     * @param info {@code /proc/cpuinfo}
     * @param baseKhz {@code cpufreq/base_frequency}, where the host has it
     */
    static OptionalLong tscKhz(String info, Optional<String> baseKhz) {
        if (baseKhz.isPresent() && baseKhz.get().strip().matches("\\d{5,8}")) {
            return OptionalLong.of(Long.parseLong(baseKhz.get().strip()));
        }
        Matcher nominal = NOMINAL.matcher(model(info));
        if (nominal.find()) {
            return OptionalLong.of(Math.round(Double.parseDouble(nominal.group(1)) * 1_000_000));
        }
        Matcher current = CURRENT.matcher(info);
        return current.find()
                ? OptionalLong.of(Math.round(Double.parseDouble(current.group(1)) * 1000))
                : OptionalLong.empty();
    }

    /** {@link #tscKhz(String, Optional)} of this host. */
    static OptionalLong tscKhz() throws IOException {
        Path base = Path.of("/sys/devices/system/cpu/cpu0/cpufreq/base_frequency");
        return tscKhz(info(), Files.isReadable(base) ? Optional.of(Files.readString(base)) : Optional.empty());
    }
}
