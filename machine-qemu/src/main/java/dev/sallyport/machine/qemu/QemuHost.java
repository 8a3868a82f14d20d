package dev.sallyport.machine.qemu;

import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.List;

/**
 * What this host offers to machines, found out by trying it without a machine. What is made for that is undone at once, also when
 * the process is told to end meanwhile.
 */
public final class QemuHost {
    /**
     * What trying showed.
     *
     * @param usable whether it works
     * @param reason why not, or what was seen
     */
    public record Answer(boolean usable, String reason) {}

    private interface Trial {
        Answer run(MadeThings made) throws IOException, InterruptedException;
    }

    private final QemuOptions options;
    private final QemuDriver driver;
    private final boolean root;
    private final MachineId id = MachineId.random();

    /** @param options as machines would be made with */
    public QemuHost(QemuOptions options) {
        this.options = options;
        this.driver = new QemuDriver(options);
        this.root = isRoot();
    }

    /** Whether this process is root's. */
    public boolean root() {
        return root;
    }

    /**
     * Runs a guest under KVM, unless what it showed is known for this boot; see {@link KvmProbe}.
     *
     * @param kernel an image's ELF kernel
     * @param initramfs its archive
     * @throws IOException when the cache cannot be used
     * @throws InterruptedException when the calling thread is interrupted; the guest has been ended then
     */
    public Answer kvm(Path kernel, Path initramfs) throws IOException, InterruptedException {
        String user = root ? options.user() : "";
        if (root && !isUser(user)) {
            return new Answer(false, "there is no system user '" + user + "', as which the guest would run");
        }
        Path folder = Files.createTempDirectory("sallyport-kvm");
        try {
            return undoing(made -> {
                KvmProbe.Verdict verdict = new KvmProbe(options, user, Path.of("/dev/kvm"))
                        .check(kernel, initramfs, folder, QemuDriver.NAME, QemuDriver.NAME + "-" + id + "-probe", made);
                return new Answer(verdict.usable(), verdict.reason());
            });
        } finally {
            Files.delete(folder);
        }
    }

    /**
     * Makes a TAP device with the rules that guard it.
     *
     * @throws InterruptedException when the calling thread is interrupted; nothing is left then
     */
    public Answer taps() throws IOException, InterruptedException {
        if (!root) {
            return new Answer(false, "only root may make TAP devices and rules");
        }
        return undoing(made -> {
            try {
                var taps = new TapNetworks(QemuDriver.NAME, options.subnet());
                made.intend(taps.things(id).toArray(Resource[]::new));
                taps.make(id).guard().await();
                return new Answer(true, "A TAP device with its nft rules was made and removed");
            } catch (TapNetworks.RefusedException e) {
                return new Answer(false, String.valueOf(e.getMessage()));
            }
        });
    }

    private Answer undoing(Trial trial) throws IOException, InterruptedException {
        var made = new MadeThings(ResourceLedger.NONE, driver::undo);
        var atExit = new Thread(made::undoAll);
        Runtime.getRuntime().addShutdownHook(atExit);
        Answer answer;
        List<String> left;
        try {
            answer = trial.run(made);
        } finally {
            left = made.undoAll();
            forget(atExit);
        }
        return left.isEmpty()
                ? answer
                : new Answer(false, answer.reason() + ", but could not be removed: " + String.join("; ", left));
    }

    private static void forget(Thread atExit) {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The process is ending, and the hook runs; undoing twice is harmless.
        }
    }

    private static boolean isUser(String name) throws IOException {
        try {
            Path.of("/").getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(name);
            return true;
        } catch (UserPrincipalNotFoundException e) {
            return false;
        }
    }

    private static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException e) {
            throw new IllegalStateException("/proc is not mounted", e);
        }
    }
}
