package dev.sallyport.acceptance.faults;

import static dev.sallyport.acceptance.faults.FaultCase.around;
import static dev.sallyport.acceptance.faults.FaultCase.atRuntime;
import static dev.sallyport.acceptance.faults.FaultCase.inImage;
import static dev.sallyport.acceptance.faults.UnitFaults.with;
import static dev.sallyport.model.VmType.BROWSER;

import dev.sallyport.controller.Settings;
import dev.sallyport.image.Image;
import dev.sallyport.image.StoredFile;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Faults of booting, of the machine around the guest, and of its host. */
final class MachineFaults {
    private static final String INIT = "/usr/sbin/init";
    /** Where a superblock of erofs says which features a reader must know. */
    private static final int INCOMPATIBLE_FEATURES = 1024 + 80;

    private MachineFaults() {}

    static List<FaultCase> all() {
        return List.of(
                inImage("no init", CauseCode.INIT_MISSING, "init", with(layer -> layer.without(INIT))),
                atRuntime(
                        "kernel panics",
                        CauseCode.KERNEL_PANIC,
                        "Kernel panic",
                        with(layer -> layer.program("/usr/sbin/init-that-ends", "#!/bin/sh\nexit 3\n")
                                .link(INIT, "init-that-ends"))),
                inImage("a layer is corrupt", CauseCode.LAYER_CORRUPT, "layer", MachineFaults::corrupt),
                inImage(
                        "initramfs without the disk driver",
                        CauseCode.DISK_DRIVER_MISSING,
                        "virtio_blk",
                        images -> images.withInitramfs(
                                BROWSER,
                                Newc.without(
                                        bytes(images.sound(BROWSER).initramfs()),
                                        name -> name.contains("virtio_blk")))),
                around(
                        "machine without its network device",
                        CauseCode.NETWORK_DEVICE_MISSING,
                        "network",
                        "",
                        knob(Knobs.Change.NO_NETWORK)),
                around(
                        "clock far off",
                        CauseCode.CLOCK_WRONG,
                        "2031",
                        "browser.hypervisor",
                        knob(Knobs.Change.FAR_CLOCK)),
                atRuntime(
                                "out of memory",
                                CauseCode.OUT_OF_MEMORY,
                                "[Oo]ut of memory|oom",
                                with(layer -> layer.program(
                                                "/opt/fault/agent",
                                                "#!/usr/bin/perl\nmy @all; push @all, 'x' x (8 << 20) while 1;\n")
                                        .agentIs("/opt/fault/agent")))
                        .played((stage, image) -> {
                            stage.knobs().set(Knobs.Change.LITTLE_MEMORY);
                            try {
                                return stage.signInWith(java.util.Objects.requireNonNull(image));
                            } finally {
                                stage.knobs().set(Knobs.Change.NOTHING);
                            }
                        }),
                around(
                        "hypervisor missing",
                        CauseCode.HYPERVISOR_MISSING,
                        "not installed|cannot be run",
                        "session.initializing",
                        (stage, image) -> {
                            stage.knobs().present(false);
                            try {
                                return stage.signIn(FaultStage.READY_USER, "demo", event -> {});
                            } finally {
                                stage.knobs().present(true);
                            }
                        }),
                around(
                        "KVM demanded and refused",
                        CauseCode.KVM_REFUSED,
                        "KVM|kvm|guest",
                        "session.initializing",
                        (stage, image) -> {
                            try (FaultStage second =
                                    FaultStage.open(stage.place().resolve("kvm"), Settings.Accelerator.KVM)) {
                                return second.signIn("fault-kvm", "demo", event -> {});
                            }
                        }),
                around(
                        "hypervisor killed",
                        CauseCode.HYPERVISOR_KILLED,
                        "137|SIGKILL|killed",
                        "browser.hypervisor",
                        onceRunning("KILL")),
                around("guest frozen", CauseCode.GUEST_FROZEN, "stopped", "browser.hypervisor", onceRunning("STOP")));
    }

    private static FaultCase.Scene knob(Knobs.Change change) {
        return (stage, image) -> {
            stage.knobs().set(change);
            try {
                return stage.signIn(FaultStage.READY_USER, "demo", event -> {});
            } finally {
                stage.knobs().set(Knobs.Change.NOTHING);
            }
        };
    }

    private static FaultCase.Scene onceRunning(String signal) {
        return (stage, image) -> stage.signIn(FaultStage.READY_USER, "demo", event -> {
            if (event.path("step").asText().equals("browser.hypervisor")) {
                stage.knobs().signal(signal);
            }
        });
    }

    /** The tool's layer, which is small, with a superblock that asks for features that no kernel has. */
    private static Image corrupt(FaultImages images) {
        return images.changed(
                BROWSER,
                layers -> layers.stream()
                        .map(layer -> layer.name().equals("tool-demo") ? damaged(images, layer) : layer)
                        .toList());
    }

    private static StoredFile damaged(FaultImages images, StoredFile layer) {
        byte[] content = bytes(layer.file());
        for (int i = 0; i < 4; i++) {
            content[INCOMPATIBLE_FEATURES + i] = (byte) 0xff;
        }
        return images.file(
                layer.name(),
                content,
                Map.of(
                        "uuid",
                        UUID.fromString(layer.notes().getOrDefault("uuid", "")).toString()));
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException("the product's image cannot be read", e);
        }
    }
}
