package dev.sallyport.image.verify;

import dev.sallyport.image.Image;
import dev.sallyport.image.Layer;
import dev.sallyport.image.tree.ErofsTree;
import dev.sallyport.image.tree.FileTree;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Proves, without booting and without mounting, that an image's machines can come up with their agent: its layers are whole, kernel
 * and initramfs bring it to its root, and what {@link TreeVerifier} proves of the layers as one tree.
 */
public final class ImageVerifier {
    private static final String REBUILD = "Build the image again: './sallyport image build'.";

    private ImageVerifier() {}

    /** Everything that is wrong with {@code image}, errors first; empty when it is sound. */
    public static List<Finding> verify(Image image) {
        return report(image, List.of()).findings();
    }

    /**
     * Everything that is wrong with {@code image}, and what was proven of it.
     *
     * @param units names of the units that must come up; the agent's when empty
     */
    public static Verification report(Image image, List<String> units) {
        long began = System.nanoTime();
        var findings = new Findings();
        List<String> proven = new ArrayList<>();
        try {
            LayerCheck.damage(image.layers()).forEach(findings::add);
            if (findings.errors() == 0) {
                proven.add("its " + image.layers().size() + " layers are what was built");
                content(image, units, findings, proven);
            }
        } catch (IOException e) {
            findings.error(
                    CauseCode.LAYER_CORRUPT, "/", 0, "The layers cannot be read: " + e.getMessage() + ".", REBUILD);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            findings.error(CauseCode.IMAGE_UNSOUND, "/", 0, "The verification was interrupted.", "Start it again.");
        }
        return new Verification(
                findings.sorted(),
                findings.errors() == 0 ? proven : List.of(),
                Duration.ofNanos(System.nanoTime() - began));
    }

    private static void content(Image image, List<String> units, Findings findings, List<String> proven)
            throws IOException {
        try (Tree tree = open(image)) {
            BootCheck.check(image, tree, findings);
            proven.add("kernel and initramfs have the modules of its disks and network");
            Verification content = TreeVerifier.report(
                    tree, Options.ours(units, image.kernelArguments()), Optional.of(VmType.ofWire(image.recipe())));
            content.findings().forEach(findings::add);
            proven.addAll(content.proven());
        }
    }

    /**
     * What is wrong with the content of the layers, which are taken for whole: quick, for whoever asks why a boot failed.
     *
     * @throws IOException when they cannot be read
     */
    public static List<Finding> content(Image image) throws IOException {
        try (Tree tree = open(image)) {
            return TreeVerifier.verify(tree, Options.ours(List.of(), image.kernelArguments()));
        }
    }

    private static Tree open(Image image) throws IOException {
        List<FileTree> layers = new ArrayList<>();
        try {
            for (Layer layer : image.layers()) {
                layers.add(ErofsTree.open(layer.file()));
            }
            return new Tree(layers);
        } catch (IOException e) {
            for (FileTree layer : layers) {
                layer.close();
            }
            throw e;
        }
    }
}
