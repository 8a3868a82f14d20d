package dev.sallyport.cli.doctor;

import dev.sallyport.image.Image;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Whether guests run under KVM, by running one: a device that opens proves nothing. */
final class KvmCheck implements Check {
    private static final Path DEVICE = Path.of("/dev/kvm");

    /** Runs a guest. */
    interface Probe {
        Answer run(Image image) throws IOException, InterruptedException;
    }

    private final Path cache;
    private final Probe probe;

    KvmCheck(Path cache, Probe probe) {
        this.cache = cache;
        this.probe = probe;
    }

    @Override
    public String name() {
        return "kvm";
    }

    @Override
    public List<Finding> look() throws IOException, InterruptedException {
        if (!Files.exists(DEVICE)) {
            return List.of(judge(new Answer(false, "there is no " + DEVICE), cache));
        }
        Optional<Image> image = ImagesCheck.store(cache).flatMap(store -> store.current(VmType.BROWSER.wire()));
        if (image.isEmpty()) {
            return List.of(Finding.warning(
                    "Not known: " + DEVICE + " is there, but no image yet whose kernel could be run under it.",
                    "Run './sallyport image build', then this again."));
        }
        return List.of(judge(probe.run(image.get()), cache));
    }

    static Finding judge(Answer answer, Path cache) {
        if (answer.usable()) {
            return Finding.ok("KVM: " + answer.reason() + ".");
        }
        String reason = answer.reason()
                .replaceFirst("^no guest runs under KVM here: ", "")
                .replaceFirst("\\.+$", "");
        String text = "emulation: no guest comes up under KVM: " + reason + ".";
        if (answer.reason().startsWith("there is no " + DEVICE)) {
            return Finding.warning(
                    text,
                    "Load kvm_intel or kvm_amd; switch virtualization on in the firmware, or nested virtualization on in"
                            + " the host of this machine. Until then machines are emulated, many times slower.");
        }
        if (answer.reason().contains("cannot be opened")) {
            return Finding.warning(
                    text, "Let this user open it: 'sudo usermod --append --groups kvm USER', and sign in anew.");
        }
        return Finding.warning(
                text,
                "Machines are emulated, many times slower. Where this host is itself a virtual machine, its own host must"
                        + " offer nested virtualization that works. The answer is kept for this boot: remove "
                        + cache.resolve("kvm") + " to ask again.");
    }
}
