package dev.sallyport.bench.sessions;

import dev.sallyport.image.ImageStore;
import dev.sallyport.image.StoredFile;
import dev.sallyport.image.Workspace;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Images that nothing can boot from: simulated machines have to be made from something. */
final class SimulatedImages {
    /** They are made from nothing, so that the digest over what they are made from is anything. */
    private static final String KEY = "0".repeat(64);

    private SimulatedImages() {}

    /** Puts one of each kind into the store of {@code cache}. */
    static void make(Path cache) throws IOException {
        ImageStore store = ImageStore.open(cache);
        try (Workspace work = store.workspace("images of nothing")) {
            StoredFile kernel = add(store, work, "vmlinux");
            StoredFile initramfs = add(store, work, "initramfs");
            for (VmType type : VmType.values()) {
                store.promote(store.save(type.wire(), kernel, initramfs, List.of(), List.of()));
            }
        }
    }

    private static StoredFile add(ImageStore store, Workspace work, String name) throws IOException {
        Path file = Files.writeString(work.folder().resolve(name), "simulated " + name);
        return store.add(work, file, name, KEY, Map.of());
    }
}
