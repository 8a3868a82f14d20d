package dev.sallyport.image.verify.systemd;

import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.systemd.Unit.State;
import dev.sallyport.image.verify.systemd.Units.Link;
import dev.sallyport.image.verify.systemd.Units.LinkState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What systemd's generators would make at boot, of those whose work can hold a boot up: mounts and swaps of fstab(5), and the login
 * prompt on the serial console. An image without the generators' programs gets neither.
 */
public final class Generators {
    private static final List<String> FOLDERS = List.of(
            "/etc/systemd/system-generators/",
            "/usr/local/lib/systemd/system-generators/",
            "/usr/lib/systemd/system-generators/",
            "/lib/systemd/system-generators/");
    private static final String FSTAB = "/etc/fstab";
    private static final int MAX_TABLE = 256 << 10;
    private static final int MAX_LINE = 4000;
    private static final int MOST_LINES = 2000;

    private Generators() {}

    /** Adds to {@code units} what generators would. */
    public static void run(Tree tree, Units units, List<String> kernelArguments) throws IOException {
        if (installed(tree, "systemd-fstab-generator") && !kernelArguments.contains("fstab=no")) {
            Optional<Entry> table = tree.find(FSTAB);
            if (table.isPresent()) {
                int number = 0;
                for (String line : table.get().text(MAX_TABLE).split("\n", -1)) {
                    number++;
                    String[] fields = line.strip().split("\\s+");
                    if (!line.strip().startsWith("#")
                            && fields.length >= 2
                            && line.length() <= MAX_LINE
                            && number <= MOST_LINES) {
                        entry(units, fields, number);
                    }
                }
            }
        }
        if (installed(tree, "systemd-getty-generator")) {
            for (String argument : kernelArguments) {
                if (argument.matches("console=ttyS\\d+(,.*)?")) {
                    String name = "serial-getty@" + argument.replaceAll("^console=|,.*", "") + ".service";
                    units.link("getty.target", new Link("systemd-getty-generator", name, false, LinkState.OK, 0));
                }
            }
        }
    }

    private static boolean installed(Tree tree, String name) throws IOException {
        for (String folder : FOLDERS) {
            Optional<Entry> program = tree.find(folder + name);
            if (program.isPresent()) {
                return program.get().node().executable();
            }
        }
        return false;
    }

    private static void entry(Units units, String[] fields, int line) throws IOException {
        String what = device(fields[0]);
        String type = fields.length > 2 ? fields[2] : "auto";
        String options = fields.length > 3 ? fields[3] : "defaults";
        List<String> each = List.of(options.split(","));
        boolean swap = type.equals("swap");
        String where = fields[1].replace("\\040", " ");
        if (!swap && (!where.startsWith("/") || where.equals("/"))) {
            return; // The root is mounted before systemd starts, and nothing waits for its device.
        }
        String name = UnitName.escapePath(swap ? what : where) + (swap ? ".swap" : ".mount");
        String section = swap ? "Swap" : "Mount";
        List<Setting> settings = new ArrayList<>(List.of(
                new Setting(section, "What", what, FSTAB, line),
                new Setting(section, "Options", options, FSTAB, line)));
        if (!swap) {
            settings.add(new Setting(section, "Where", where, FSTAB, line));
            settings.add(new Setting(section, "Type", type, FSTAB, line));
        }
        boolean network = each.contains("_netdev") || type.startsWith("nfs") || type.equals("cifs");
        units.make(new Unit(name, State.LOADED, FSTAB, settings, List.of(), List.of(name), line));
        if (each.contains("noauto") || each.contains("x-systemd.automount")) {
            return;
        }
        boolean required = !each.contains("nofail");
        units.link(
                swap ? "swap.target" : network ? "remote-fs.target" : "local-fs.target",
                new Link(FSTAB, name, required, LinkState.OK, line));
    }

    private static String device(String what) {
        for (String tag : List.of("UUID", "LABEL", "PARTUUID", "PARTLABEL")) {
            if (what.startsWith(tag + "=")) {
                String value = what.substring(tag.length() + 1).replaceAll("^\"|\"$", "");
                return "/dev/disk/by-" + tag.toLowerCase(java.util.Locale.ROOT) + "/" + value;
            }
        }
        return what;
    }
}
