package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** What the initramfs says when it cannot put the root file system together: ours names its cause, others' are known by their words. */
final class InitramfsRules {
    static final List<Rule> ALL = List.of(InitramfsRules::fatal, InitramfsRules::foreign);

    private static final String DISK_DRIVERS = "virtio_?(?:blk|mmio|pci|scsi)|virtio|nvme|sd_mod|ahci|xen_blkfront";
    private static final String FILE_SYSTEMS = "erofs|overlay|ext4|squashfs|isofs|loop";

    private InitramfsRules() {}

    private static void fatal(Seen seen, Consumer<Finding> found) {
        Optional<Mark> fatal = seen.story().first(Sign.FATAL);
        if (fatal.isEmpty()) {
            return;
        }
        Story story = seen.story();
        String said = fatal.get().word(2).strip();
        CauseCode code = Arrays.stream(CauseCode.values())
                .filter(known -> known.name().equals(fatal.get().word(1)))
                .findFirst()
                .orElse(CauseCode.UNKNOWN);
        String detail =
                said.isEmpty() ? "The machine's initramfs gave up." : "The machine's initramfs gave up: " + said + ".";
        var proofs = Proofs.of(fatal.get());

        List<Mark> modules = story.of(Sign.MODULE_MISSING);
        Optional<Mark> disk = missing(modules, DISK_DRIVERS);
        Optional<Mark> fileSystem = missing(modules, FILE_SYSTEMS);
        Optional<Mark> network = missing(modules, "virtio_?net");
        List<Mark> mounts = story.of(Sign.MOUNT_FAILED);
        boolean noDisk = said.startsWith("no disk holds")
                && story.has(Sign.LINUX)
                && !story.has(Sign.DISK_SEEN)
                && !story.has(Sign.DISKS_COUNTED);
        // What it names itself is right where it is more than that a disk or a layer is not there or cannot be read.
        boolean vague =
                code == CauseCode.KERNEL_PANIC || code == CauseCode.LAYER_MISSING || code == CauseCode.LAYER_CORRUPT;
        if (!vague) {
            proofs.marks(story.of(Sign.DISKS_COUNTED));
        } else if (disk.isPresent()) {
            code = CauseCode.DISK_DRIVER_MISSING;
            detail = "The initramfs has no module " + disk.get().word(1) + ", with which the machine's disks are read.";
        } else if (fileSystem.isPresent()) {
            code = CauseCode.ROOT_MISSING;
            detail = "The initramfs has no module " + fileSystem.get().word(1)
                    + ", with which the image's layers are mounted.";
        } else if (network.isPresent() && code == CauseCode.KERNEL_PANIC) {
            code = CauseCode.NETWORK_DEVICE_MISSING;
            detail = "The initramfs has no module " + network.get().word(1) + ", the driver of the network device.";
        } else if (code == CauseCode.LAYER_MISSING && noDisk && !said.contains("writable")) {
            code = CauseCode.DISK_DRIVER_MISSING;
            detail = "The kernel saw no disk at all: " + said + ".";
        } else if (said.contains("hold no /sbin/init")) {
            code = CauseCode.INIT_MISSING;
            detail = "The image's layers hold no /sbin/init.";
        } else if (code == CauseCode.LAYER_CORRUPT
                && mounts.stream().anyMatch(m -> m.word(3).contains("No such device"))) {
            code = CauseCode.ROOT_MISSING;
            detail = "The kernel does not know the file system of "
                    + mounts.getFirst().word(1) + ": " + said + ".";
        }
        proofs.marks(modules).marks(mounts).marks(story.of(Sign.FS_ERROR)).marks(story.of(Sign.IO_ERROR));
        found.accept(new Finding(code, Certainty.PROVEN, Finding.THING + 5, detail, proofs));
    }

    private static Optional<Mark> missing(List<Mark> modules, String names) {
        return modules.stream()
                .filter(mark -> mark.word(1).replace('-', '_').matches(names))
                .findFirst();
    }

    /** initramfs-tools and dracut end in a shell, which nobody answers. */
    private static void foreign(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        List<Mark> gone = story.of(Sign.ROOT_ALERT);
        List<Mark> notOpened = story.of(Sign.ROOT_NOT_OPENED);
        if ((gone.isEmpty() && notOpened.isEmpty()) || story.has(Sign.PANIC)) {
            return;
        }
        boolean noDisk = story.has(Sign.LINUX) && !story.has(Sign.DISK_SEEN);
        String device = gone.isEmpty() ? "the root device" : gone.getFirst().word(1);
        found.accept(new Finding(
                noDisk ? CauseCode.DISK_DRIVER_MISSING : CauseCode.ROOT_MISSING,
                Certainty.DOOMED,
                Finding.THING,
                noDisk
                        ? "The initramfs waited for " + device + ", and its kernel saw no disk at all."
                        : "The initramfs waited for " + device + ", which did not appear.",
                Proofs.none().marks(gone).marks(notOpened).marks(story.of(Sign.MODULE_MISSING))));
    }
}
