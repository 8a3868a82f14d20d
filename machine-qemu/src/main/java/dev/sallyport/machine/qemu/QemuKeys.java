package dev.sallyport.machine.qemu;

import dev.sallyport.image.Digests;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;

/** What templates of QEMU depend on. */
final class QemuKeys {
    /** Raised when what this driver makes of the same parts changes. */
    private static final String FORMAT = "2";
    /** The facts that an agent is told once and for all; the others change when it is told who it is. */
    static final String AUTHORITIES = "ca_certificates";

    private final QemuStart.Tools tools;

    QemuKeys(QemuStart.Tools tools) {
        this.tools = tools;
    }

    TemplateKey of(MachineSpec spec) throws InterruptedException {
        try {
            boolean kvm = kvm(spec);
            String cpu = HostCpu.info();
            SortedMap<String, String> parts = new TreeMap<>();
            parts.put("format", FORMAT);
            parts.put("driver", QemuDriver.NAME);
            parts.put("hypervisor", version());
            parts.put("board", tools.options().board().argument());
            parts.put("accelerator", kvm ? "kvm" : "tcg");
            // Emulated processors are what QEMU's version makes them; under KVM they are the host's.
            parts.put("cpu", kvm ? HostCpu.model(cpu) + " " + digest(HostCpu.flags(cpu)) : QemuArguments.EMULATED_CPU);
            parts.put("memory_mib", Integer.toString(spec.memoryMib()));
            parts.put("cpus", Integer.toString(spec.cpus()));
            parts.put("disk_bytes", Long.toString(spec.diskBytes()));
            parts.put("network", network());
            parts.put("vm_type", spec.type().wire());
            parts.put("image", spec.image().id());
            parts.put("authorities", digest(spec.facts().getOrDefault(AUTHORITIES, "")));
            return new TemplateKey(parts);
        } catch (IOException e) {
            throw new FailureException(
                    Cause.of(CauseCode.HYPERVISOR_FAILED, "The host cannot be looked at.", e.toString()), e);
        }
    }

    /** The kind of network that machines get, unless a device is refused. */
    private String network() {
        return switch (tools.options().network()) {
            case USER -> UserNetwork.KIND;
            case TAP -> TapNetwork.KIND;
            case AUTO -> tools.root() && TapNetworks.lacking().isEmpty() ? TapNetwork.KIND : UserNetwork.KIND;
        };
    }

    private boolean kvm(MachineSpec spec) throws IOException, InterruptedException {
        if (tools.options().accelerator() == QemuOptions.Accelerator.TCG) {
            return false;
        }
        Path kernel = spec.image().kernel();
        var known = tools.kvm().known(kernel);
        if (known.isPresent()) {
            return known.get().usable();
        }
        return new QemuHost(tools.options())
                .kvm(kernel, spec.image().initramfs())
                .usable();
    }

    /** The package's version, without the 30 ms that asking the program takes. */
    private String version() throws IOException {
        Path binary = QemuDriver.onPath(tools.options().binary());
        return binary + " " + Files.size(binary) + " "
                + Files.getLastModifiedTime(binary).toMillis();
    }

    private static String digest(String text) {
        return Digests.of(text).substring(0, 16);
    }
}
