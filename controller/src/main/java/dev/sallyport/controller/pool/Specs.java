package dev.sallyport.controller.pool;

import dev.sallyport.controller.Settings;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.EgressDoor;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What machines are made of, by the settings and the images that there are. */
final class Specs {
    private final Settings settings;
    private final ImageStore images;
    private final MachineFolders folders;

    Specs(Settings settings, ImageStore images, MachineFolders folders) {
        this.settings = settings;
        this.images = images;
        this.folders = folders;
    }

    /** @throws FailureException IMAGE_MISSING when there is none of that kind */
    Image image(VmType type) {
        return images.current(type.wire())
                .orElseThrow(() -> FailureException.of(
                        CauseCode.IMAGE_MISSING, "The alias '" + type.wire() + "' points at no image."));
    }

    /** The ids of the images that machines are made from now. */
    Set<String> currentImages() {
        return Arrays.stream(VmType.values())
                .flatMap(type -> images.current(type.wire()).stream())
                .map(Image::id)
                .collect(Collectors.toSet());
    }

    void makeFolder(MachineId id) {
        folders.make(id);
    }

    /** One that boots its image; its folder need not be there yet. */
    MachineSpec of(MachineId id, VmType type, Image image, Secret token, EgressDoor door) {
        Settings.Shape shape = settings.shape(type);
        Map<String, String> facts = new HashMap<>();
        facts.put("hostname", type.wire() + "-" + id.value().substring(2));
        facts.put("time", Long.toString(System.currentTimeMillis() / 1000));
        facts.put("token_sha256", token.sha256());
        settings.extraAuthorities()
                .ifPresent(pem -> facts.put(
                        "ca_certificates",
                        Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.US_ASCII))));
        return new MachineSpec(
                id, type, image, shape.memoryMib(), shape.cpus(), shape.diskBytes(), folders.of(id), facts, door);
    }

    /** What a template of such machines depends on; empty where the driver makes none. */
    Optional<TemplateKey> templateKey(MachineDriver driver, VmType type) throws InterruptedException {
        return driver.templateKey(of(MachineId.random(), type, image(type), Secret.random(32), (address, port) -> {
            throw new IOException("it is not to be started");
        }));
    }
}
