package dev.sallyport.acceptance.signin;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.Layer;
import dev.sallyport.image.StoredFile;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The product's current images in a cache of a suite's own: their files are linked, not copied, and never changed. */
public final class LinkedImages {
    private LinkedImages() {}

    /**
     * Links them, and makes them the current ones there.
     *
     * @param product the product's cache
     * @param cache the suite's, on the same file system
     */
    public static Map<VmType, Image> link(Path product, Path cache) throws IOException {
        ImageStore from = ImageStore.open(product);
        ImageStore to = ImageStore.open(cache);
        Map<VmType, Image> linked = new EnumMap<>(VmType.class);
        for (VmType type : VmType.values()) {
            Image image = from.current(type.wire()).orElseThrow();
            for (Path file : files(image)) {
                Path here = cache.resolve("images/files").resolve(file.getFileName());
                if (!Files.exists(here)) {
                    Files.createLink(here, file);
                }
            }
            Image same = to.save(
                    image.recipe(),
                    stored("vmlinux", image.kernel()),
                    stored("initramfs", image.initramfs()),
                    image.layers().stream().map(LinkedImages::stored).toList(),
                    image.kernelArguments());
            to.promote(same);
            linked.put(type, same);
        }
        return linked;
    }

    private static List<Path> files(Image image) {
        List<Path> files = new ArrayList<>(List.of(image.kernel(), image.initramfs()));
        image.layers().forEach(layer -> files.add(layer.file()));
        return files;
    }

    /** A layer as its store's file. */
    public static StoredFile stored(Layer layer) {
        return new StoredFile(
                layer.name(),
                "",
                layer.digest(),
                layer.file(),
                layer.bytes(),
                Map.of("uuid", layer.uuid().toString()));
    }

    /** A file that its store has. */
    public static StoredFile stored(String name, Path file) {
        return new StoredFile(name, "", file.getFileName().toString(), file, 0, Map.of());
    }
}
