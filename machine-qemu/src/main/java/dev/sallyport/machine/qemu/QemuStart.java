package dev.sallyport.machine.qemu;

import dev.sallyport.image.Layer;
import dev.sallyport.machine.Command;
import dev.sallyport.machine.FactsDisk;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.Origin;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.WritableDisk;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** One start: a list of steps, each timed. */
final class QemuStart {
    /** {@code sun_path} of unix(7) has 108 bytes with its NUL. */
    private static final int MAX_SOCKET_PATH = 107;

    private static final int MIN_MEMORY_MIB = 64;
    private static final int MAX_MEMORY_MIB = 1 << 20;
    private static final int MAX_CPUS = 64;

    /** What all starts of a driver share. */
    record Tools(QemuOptions options, boolean root, WritableDisk writableDisk, TapNetworks taps, KvmProbe kvm) {}

    private final Tools tools;
    private final QemuKeys keys;
    private final QemuOptions options;
    private final MachineSpec spec;
    private final MachineFiles files;
    private final MadeThings made;
    private final Steps steps;

    QemuStart(Tools tools, QemuKeys keys, MachineSpec spec, MadeThings made, Steps steps) {
        this.tools = tools;
        this.keys = keys;
        this.options = tools.options();
        this.spec = spec;
        this.files = MachineFiles.in(spec.directory());
        this.made = made;
        this.steps = steps;
    }

    Machine run() throws IOException, InterruptedException {
        Means means = means();
        // All at once: each time that something is written down is a moment of a start.
        made.intend(things().toArray(Resource[]::new));
        MachineNetwork network = network();
        Map<String, String> facts = facts(network);
        disks(facts);
        QemuLaunch launch = launch();
        boolean up = false;
        try {
            launch.begin(arguments(means, network), state());
            Machine machine = machine(launch, means, network, facts);
            up = true;
            return machine;
        } finally {
            if (!up) {
                launch.close();
            }
        }
    }

    /**
     * A clone of which all is made.
     *
     * @param launch its hypervisor has the template's state, and its guest stands still
     * @param network its door is not open
     */
    record Prepared(QemuLaunch launch, Means means, TapNetwork network) {}

    /** The first part of a clone's start, which needs to know nothing of its owner. */
    Prepared prepare() throws IOException, InterruptedException {
        Means means = means();
        made.intend(things().toArray(Resource[]::new));
        TapNetwork network;
        try {
            network = TapNetwork.closed(tools.taps().make(spec.id()));
        } catch (TapNetworks.RefusedException e) {
            throw QemuTemplate.withoutTap(e);
        }
        disks(facts(network));
        QemuLaunch launch = launch();
        boolean waits = false;
        try {
            launch.begin(arguments(means, network), state());
            waits = true;
            return new Prepared(launch, means, network);
        } finally {
            if (!waits) {
                launch.close();
            }
        }
    }

    /** The rest of it. What was prepared is as good as it was then, but for the template and the rules around its network. */
    Machine goOn(Prepared prepared) throws IOException, InterruptedException {
        checkTemplate();
        made.intend(things().toArray(Resource[]::new));
        TapNetwork network;
        try {
            network = prepared.network().open(spec.egress(), tools.taps().guard());
        } catch (TapNetworks.RefusedException e) {
            throw QemuTemplate.withoutTap(e);
        }
        steps.done("network", network.text(), network.details());
        Map<String, String> facts = facts(network);
        FactsDisk.write(files.of(MachineFiles.FACTS_DISK), facts);
        return machine(prepared.launch(), prepared.means(), network, facts);
    }

    private QemuLaunch launch() {
        return new QemuLaunch(spec.id(), files, options.startDeadline());
    }

    private Machine machine(QemuLaunch launch, Means means, MachineNetwork network, Map<String, String> facts)
            throws IOException, InterruptedException {
        QemuMachine machine = launch.finish(spec, made, network, template(means.user(), network, facts));
        steps.done(
                "hypervisor",
                "QEMU runs the machine.",
                Map.of(
                        "accelerator", means.kvm() ? "kvm" : "tcg",
                        "board", options.board().name().toLowerCase(Locale.ROOT),
                        "agent", QemuHandle.text(machine.agent()),
                        "memoryMib", Integer.toString(spec.memoryMib())));
        return machine;
    }

    /**
     * What this host lets a machine have.
     *
     * @param user whom QEMU becomes; empty to stay who one is
     * @param kvm false for emulation
     */
    record Means(String user, boolean kvm) {}

    private Means means() throws IOException, InterruptedException {
        check();
        files.closeToOthers();
        var means = new Means(user(), accelerator());
        checkTemplate();
        return means;
    }

    private void checkTemplate() throws InterruptedException {
        if (spec.origin() instanceof Origin.FromTemplate(Path folder)) {
            new QemuTemplate(folder).check(keys.of(spec));
        }
    }

    private void check() {
        QemuDriver.onPath(options.binary());
        if (spec.memoryMib() < MIN_MEMORY_MIB || spec.memoryMib() > MAX_MEMORY_MIB) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST,
                    "A machine cannot have " + spec.memoryMib() + " MiB of memory: it takes " + MIN_MEMORY_MIB + " to "
                            + MAX_MEMORY_MIB + ".");
        }
        if (spec.cpus() < 1 || spec.cpus() > MAX_CPUS) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST,
                    "A machine cannot have " + spec.cpus() + " processors: it takes 1 to " + MAX_CPUS + ".");
        }
        present(spec.image().kernel(), CauseCode.IMAGE_MISSING, "kernel");
        present(spec.image().initramfs(), CauseCode.IMAGE_MISSING, "initramfs");
        for (Layer layer : spec.image().layers()) {
            present(layer.file(), CauseCode.LAYER_MISSING, "layer " + layer.name());
        }
        if (!Files.isDirectory(spec.directory())) {
            throw FailureException.of(
                    CauseCode.HYPERVISOR_FAILED, "The machine's folder " + spec.directory() + " is not there.");
        }
        int length = files.of(MachineFiles.MONITOR_SOCKET).toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_SOCKET_PATH) {
            throw FailureException.of(
                    CauseCode.HYPERVISOR_FAILED,
                    "The machine's folder has too long a path: a socket in it would take " + length + " bytes, and "
                            + MAX_SOCKET_PATH + " are the most.");
        }
        steps.done(
                "image",
                "The parts of image " + spec.image().id() + " are there.",
                Map.of("image", spec.image().id()));
    }

    private void present(Path file, CauseCode code, String what) {
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw FailureException.of(
                    code,
                    "The " + what + " of image " + spec.image().id() + " is not there.",
                    file + " cannot be read");
        }
    }

    /** Whom QEMU becomes. */
    private String user() throws IOException {
        if (!tools.root()) {
            return "";
        }
        try {
            spec.directory().getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(options.user());
            return options.user();
        } catch (UserPrincipalNotFoundException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.HYPERVISOR_MISSING,
                            "There is no system user '" + options.user() + "', as which machines run.",
                            "adduser --system --group --no-create-home --home /nonexistent " + options.user()),
                    e);
        }
    }

    private boolean accelerator() throws IOException, InterruptedException {
        if (options.accelerator() == QemuOptions.Accelerator.TCG) {
            steps.done("accelerator", "Emulation, as demanded.", Map.of("accelerator", "tcg"));
            return false;
        }
        KvmProbe.Verdict verdict = tools.kvm()
                .check(
                        spec.image().kernel(),
                        spec.image().initramfs(),
                        spec.directory(),
                        QemuDriver.NAME,
                        QemuDriver.probeMarker(spec.id()),
                        made);
        if (!verdict.usable() && options.accelerator() == QemuOptions.Accelerator.KVM) {
            throw FailureException.of(CauseCode.KVM_REFUSED, "Reason: " + verdict.reason() + ".", verdict.reason());
        }
        String name = verdict.usable() ? "kvm" : "tcg";
        steps.done(
                "accelerator",
                verdict.usable() ? "KVM." : "Emulation: no guest comes up under KVM here.",
                Map.of("accelerator", name, "reason", verdict.reason()));
        return verdict.usable();
    }

    /** What is made for the machine, in this order. */
    private List<Resource> things() {
        var things = new ArrayList<Resource>();
        if (options.network() != QemuOptions.Network.USER && tools.root()) {
            things.addAll(tools.taps().things(spec.id()));
        }
        things.add(files.resource(MachineFiles.FACTS_DISK));
        switch (spec.origin()) {
            case Origin.Image() -> things.add(files.resource(MachineFiles.WRITABLE_DISK));
            case Origin.ForTemplate(Path _) -> {
                // Its folder is its maker's to remove.
            }
            case Origin.FromTemplate(Path _) -> things.add(files.resource(MachineFiles.WRITABLE_OVERLAY));
        }
        QemuLaunch.FILES.forEach(name -> things.add(files.resource(name)));
        things.add(new Resource(QemuDriver.NAME, QemuDriver.PROCESS, QemuDriver.marker(spec.id())));
        return things;
    }

    private MachineNetwork network() throws InterruptedException {
        String refusal = "";
        if (options.network() != QemuOptions.Network.USER) {
            try {
                if (!tools.root()) {
                    throw new TapNetworks.RefusedException("only root may make TAP devices and rules");
                }
                TapNetworks.Device device = tools.taps().make(spec.id());
                if (!(spec.origin() instanceof Origin.FromTemplate)) {
                    // Whoever boots runs as soon as there is a hypervisor; a clone waits for it to go on.
                    device.guard().await();
                }
                TapNetwork network = TapNetwork.closed(device).open(spec.egress(), device.guard());
                steps.done("network", network.text(), network.details());
                return network;
            } catch (TapNetworks.RefusedException e) {
                refusal = String.valueOf(e.getMessage());
                if (spec.origin() instanceof Origin.FromTemplate) {
                    throw QemuTemplate.withoutTap(e);
                }
                if (options.network() == QemuOptions.Network.TAP) {
                    throw new FailureException(Cause.of(CauseCode.TAP_REFUSED, "Reason: " + refusal + ".", refusal), e);
                }
                made.undoIf(tools.taps().things(spec.id())::contains);
            }
        }
        QemuDriver.onPath("socat");
        var network = new UserNetwork(Doors.openAnywhere(spec.egress(), UserNetwork.LOOPBACK));
        var details = new HashMap<>(network.details());
        String why = "";
        if (!refusal.isEmpty()) {
            details.put("reason", refusal);
            why = " TAP was not taken: " + refusal + ".";
        }
        steps.done("network", network.text() + why, details);
        return network;
    }

    private QemuLaunch.Template template(String user, MachineNetwork network, Map<String, String> facts)
            throws InterruptedException {
        return switch (spec.origin()) {
            case Origin.Image() -> new QemuLaunch.Template(Optional.empty(), Optional.empty());
            case Origin.ForTemplate(Path folder) ->
                new QemuLaunch.Template(
                        Optional.empty(),
                        Optional.of(new QemuSnapshot(
                                new QemuTemplate(folder),
                                keys.of(spec),
                                spec.diskBytes(),
                                Map.of("kind", network.kind(), "address", network.address(), "proxy", network.proxy()),
                                user,
                                made)));
            case Origin.FromTemplate(Path _) -> {
                Map<String, String> told = new HashMap<>(facts);
                // The template has them, and each byte is a moment of a slow console.
                told.remove(QemuKeys.AUTHORITIES);
                told.remove("layers");
                told.remove("time");
                yield new QemuLaunch.Template(
                        Optional.of(new QemuRestore(files.of(MachineFiles.CONSOLE_INPUT), network.guard(), told)),
                        Optional.empty());
            }
        };
    }

    /** Who the machine is, for its agent. */
    private Map<String, String> facts(MachineNetwork network) {
        var content = new HashMap<>(spec.facts());
        content.put("machine_id", spec.id().value());
        content.put("vm_type", spec.type().wire());
        content.put(
                "layers",
                String.join(
                        ",",
                        spec.image().layers().stream()
                                .map(layer -> layer.uuid().toString())
                                .toList()));
        content.put("address", network.address());
        content.put("proxy", network.proxy());
        content.putIfAbsent("hostname", spec.type().wire());
        content.put("time", Long.toString(Instant.now().getEpochSecond()));
        if (spec.origin() instanceof Origin.ForTemplate) {
            content.put("template", "1");
        }
        return content;
    }

    private void disks(Map<String, String> facts) throws IOException, InterruptedException {
        FactsDisk.write(files.of(MachineFiles.FACTS_DISK), facts);
        switch (spec.origin()) {
            case Origin.Image() -> tools.writableDisk().make(files.of(MachineFiles.WRITABLE_DISK), spec.diskBytes());
            case Origin.ForTemplate(Path folder) -> {
                var template = new QemuTemplate(folder);
                template.prepare();
                tools.writableDisk().make(template.of(QemuTemplate.DISK), spec.diskBytes());
            }
            case Origin.FromTemplate(Path folder) ->
                Files.copy(
                        new QemuTemplate(folder).of(QemuTemplate.OVERLAY),
                        files.of(MachineFiles.WRITABLE_OVERLAY),
                        StandardCopyOption.REPLACE_EXISTING,
                        StandardCopyOption.COPY_ATTRIBUTES);
        }
        steps.done("disk", "Its disks are made.", Map.of("writable", Long.toString(spec.diskBytes())));
    }

    /** The devices' state, of what goes on from a template. */
    private Optional<Path> state() {
        return spec.origin() instanceof Origin.FromTemplate(Path folder)
                ? Optional.of(new QemuTemplate(folder).of(QemuTemplate.STATE))
                : Optional.empty();
    }

    private List<String> arguments(Means means, MachineNetwork network) throws IOException {
        int translationMib = spec.type() == VmType.BROWSER ? 256 : 64;
        OptionalLong tscKhz = means.kvm() ? OptionalLong.empty() : HostCpu.tscKhz();
        var qemu = new QemuArguments(options, means.kvm(), memory(), spec.cpus(), translationMib)
                .boot(
                        spec.image().kernel(),
                        // What goes on from a template is past it, and QEMU would read it all the same.
                        spec.origin() instanceof Origin.FromTemplate
                                ? null
                                : spec.image().initramfs(),
                        spec.image().kernelArguments(),
                        tscKhz,
                        List.of())
                .console(MachineFiles.CONSOLE)
                .monitor(MachineFiles.MONITOR_SOCKET, MachineFiles.TOLD_SOCKET)
                .entropy()
                .network(network.arguments(), MachineNetwork.MAC)
                .disk("facts", files.of(MachineFiles.FACTS_DISK), true);
        switch (spec.origin()) {
            case Origin.Image() -> qemu.disk("writable", files.of(MachineFiles.WRITABLE_DISK), false);
            case Origin.ForTemplate(Path folder) -> {
                var template = new QemuTemplate(folder);
                qemu.disk("writable", template.of(QemuTemplate.DISK), false)
                        .file(QemuSnapshot.OVERLAY_NODE, template.of(QemuTemplate.OVERLAY));
            }
            case Origin.FromTemplate(Path folder) ->
                qemu.overlaid(
                                "writable",
                                files.of(MachineFiles.WRITABLE_OVERLAY),
                                new QemuTemplate(folder).of(QemuTemplate.DISK))
                        .incoming();
        }
        int number = 0;
        for (Layer layer : spec.image().layers()) {
            qemu.disk("layer" + number++, layer.file().toAbsolutePath(), true);
        }
        var all = new ArrayList<String>();
        if (network.spawns()) {
            // Orphans of QEMU, one a connection, go to the next process that asks for them; where a container's first
            // process does not wait for them they would stay zombies for ever.
            Command.find("tini").ifPresent(tini -> all.addAll(List.of(tini.toString(), "-s", "--")));
        }
        all.addAll(qemu.confined(means.user(), network.spawns()).toList());
        return all;
    }

    private QemuArguments.Memory memory() {
        return switch (spec.origin()) {
            case Origin.Image() -> QemuArguments.Memory.of(spec.memoryMib());
            case Origin.ForTemplate(Path folder) ->
                new QemuArguments.Memory(spec.memoryMib(), new QemuTemplate(folder).of(QemuTemplate.MEMORY), true);
            case Origin.FromTemplate(Path folder) ->
                new QemuArguments.Memory(spec.memoryMib(), new QemuTemplate(folder).of(QemuTemplate.MEMORY), false);
        };
    }
}
