package dev.sallyport.controller.pool;

import dev.sallyport.image.ImageStore;
import dev.sallyport.image.StoredFile;
import dev.sallyport.image.Workspace;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Images of nothing. */
public final class FakeImages {
    private FakeImages() {}

    /** Makes one of each kind the current one; each time others. */
    public static void promote(ImageStore images) throws IOException {
        String key = UUID.randomUUID().toString().replace("-", "").repeat(2);
        try (Workspace work = images.workspace("images of nothing")) {
            StoredFile kernel = add(images, work, "vmlinux", key);
            StoredFile initramfs = add(images, work, "initramfs", key);
            for (VmType type : VmType.values()) {
                images.promote(images.save(type.wire(), kernel, initramfs, List.of(), List.of()));
            }
        }
    }

    private static StoredFile add(ImageStore images, Workspace work, String name, String key) throws IOException {
        Path file = Files.writeString(work.folder().resolve(name), name + " of " + key);
        return images.add(work, file, name, key, Map.of());
    }
}
