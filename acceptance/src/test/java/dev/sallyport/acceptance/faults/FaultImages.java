package dev.sallyport.acceptance.faults;

import dev.sallyport.acceptance.signin.LinkedImages;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.Layer;
import dev.sallyport.image.StoredFile;
import dev.sallyport.image.Workspace;
import dev.sallyport.image.tree.ErofsTree;
import dev.sallyport.image.tree.FileTree;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * The images of the fault suite: the product's own, in a store of the suite's, and what faults make of them. The files of the
 * product's images are linked, not copied, and never changed.
 */
final class FaultImages {
    private final ImageStore store;
    private final Map<VmType, Image> sound;

    private FaultImages(ImageStore store, Map<VmType, Image> sound) {
        this.store = store;
        this.sound = sound;
    }

    /** Links the product's current images into a store of its own below {@code cache}. */
    static FaultImages open(Path productCache, Path cache) throws IOException {
        Map<VmType, Image> sound = LinkedImages.link(productCache, cache);
        return new FaultImages(ImageStore.open(cache), sound);
    }

    /** The product's image of a kind. */
    Image sound(VmType type) {
        Image image = sound.get(type);
        if (image == null) {
            throw new IllegalStateException("there is no image of " + type);
        }
        return image;
    }

    /** Makes an image the current one of its kind. */
    void use(Image image) {
        store.promote(image);
    }

    /** Makes the product's images the current ones again. */
    void useSound() {
        sound.values().forEach(store::promote);
    }

    /** The product's image with one more layer on top. */
    Image with(VmType type, Consumer<LayerFolder> content) {
        try (Workspace workspace = store.workspace("fault")) {
            Path folder = Files.createDirectories(workspace.folder().resolve("layer"));
            content.accept(new LayerFolder(folder));
            return changed(type, layers -> {
                var all = new ArrayList<>(layers);
                all.add(layer("fault", workspace, folder));
                return all;
            });
        } catch (IOException e) {
            throw new UncheckedIOException("a fault's layer cannot be made", e);
        }
    }

    /** The product's image with other layers. */
    Image changed(VmType type, UnaryOperator<List<StoredFile>> change) {
        Image image = sound(type);
        return store.save(
                image.recipe(),
                LinkedImages.stored("vmlinux", image.kernel()),
                LinkedImages.stored("initramfs", image.initramfs()),
                change.apply(image.layers().stream().map(LinkedImages::stored).toList()),
                image.kernelArguments());
    }

    /** The product's image with another initramfs. */
    Image withInitramfs(VmType type, byte[] initramfs) {
        Image image = sound(type);
        return store.save(
                image.recipe(),
                LinkedImages.stored("vmlinux", image.kernel()),
                file("initramfs", initramfs, Map.of()),
                image.layers().stream().map(LinkedImages::stored).toList(),
                image.kernelArguments());
    }

    /** Keeps bytes in the store. */
    StoredFile file(String name, byte[] content, Map<String, String> notes) {
        try (Workspace workspace = store.workspace("fault")) {
            Path file = workspace.folder().resolve("file");
            Files.write(file, content);
            return store.add(workspace, file, name, key(), notes);
        } catch (IOException e) {
            throw new UncheckedIOException("a fault's file cannot be made", e);
        }
    }

    /** A file of the product's image, as a machine would see it. */
    byte[] content(VmType type, String path) {
        try {
            List<FileTree> layers = new ArrayList<>();
            for (Layer layer : sound(type).layers()) {
                layers.add(ErofsTree.open(layer.file()));
            }
            try (Tree tree = new Tree(layers)) {
                return tree.find(path).orElseThrow().read(16 << 20);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the product's image cannot be read", e);
        }
    }

    private StoredFile layer(String name, Workspace workspace, Path folder) {
        UUID uuid = UUID.randomUUID();
        Path file = workspace.folder().resolve("layer.erofs");
        Run.command("mkfs.erofs", "--quiet", "-x-1", "-U" + uuid, "--all-root", file.toString(), folder.toString());
        return store.add(workspace, file, name, key(), Map.of("uuid", uuid.toString()));
    }

    /** Nothing of it is found again: a fault is made anew each time. */
    private static String key() {
        return (UUID.randomUUID().toString() + UUID.randomUUID()).replace("-", "");
    }
}
