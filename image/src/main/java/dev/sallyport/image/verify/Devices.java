package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.KnownUnits.Obstacle;
import dev.sallyport.image.verify.elf.Globs;
import dev.sallyport.image.verify.systemd.UnitName;
import java.io.IOException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which {@code .device} units a machine will have. They appear only when udev is there, sees the device, and a rule tags it for
 * systemd (systemd.device(5)).
 */
final class Devices {
    /** What every machine of ours has, and most others: virtio disks, serial and virtual consoles, one Ethernet interface. */
    private static final Pattern THERE = Pattern.compile(
            "/dev/(vd[a-z]\\d*|ttyS0|tty\\d*|hvc\\d|console|rtc\\d?|kmsg|null|zero|random|urandom|hwrng|loop\\d*|ram\\d*"
                    + "|disk/by-label/sallyport-rw|vport.*|virtio-ports/.*|net/tun|fuse|kvm|mapper/control)"
                    + "|/sys/(subsystem/net/devices/(lo|eth0|ens\\d+|enp\\d+s\\d+)|devices/.*(virtio|platform).*|module/.*|class/net/(eth0|ens\\d+|lo))");

    private static final int MAX_RULES = 64 << 10;

    private Devices() {}

    /** Why the device of this unit does not appear; empty when nothing is known against it. */
    static Optional<Obstacle> obstacle(Subject subject, String unit) throws IOException {
        String path = "/" + UnitName.unescape(UnitName.stem(unit));
        boolean daemon = subject.plan().starts("systemd-udevd.service")
                || subject.plan().trigger("systemd-udevd.service").isPresent()
                || subject.plan().starts("udev.service");
        if (!daemon) {
            boolean installed = subject.units().load("systemd-udevd.service").loaded();
            return Optional.of(new Obstacle(
                    true,
                    "never appears: devices become units by udev, which this image "
                            + (installed ? "does not start in this boot" : "does not have"),
                    "Remove the dependency on the device, or add udev."));
        }
        if (!tagged(subject)) {
            return Optional.of(new Obstacle(
                    true,
                    "never appears: no rule of udev tags devices for systemd",
                    "Add 99-systemd.rules, or remove the dependency."));
        }
        if (THERE.matcher(path).matches()) {
            return Optional.empty();
        }
        boolean named = path.startsWith("/dev/disk/by-");
        return Optional.of(new Obstacle(
                subject.options().ours() || !named,
                "does not appear: "
                        + (subject.options().ours() || !named
                                ? "the machine has no " + path
                                : path + " is not known to be in the machine"),
                "Remove the dependency on the device (in fstab: nofail), or give the machine the device."));
    }

    private static boolean tagged(Subject subject) throws IOException {
        for (String folder : new String[] {"/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"}) {
            for (String path : Globs.expand(subject.tree(), folder + "/*.rules")) {
                Optional<Entry> rules = subject.tree().find(path);
                if (rules.isPresent()
                        && rules.get().kind() == Kind.FILE
                        && rules.get().text(MAX_RULES).contains("TAG+=\"systemd\"")) {
                    return true;
                }
            }
        }
        return false;
    }
}
