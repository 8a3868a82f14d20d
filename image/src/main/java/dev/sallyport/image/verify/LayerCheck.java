package dev.sallyport.image.verify;

import dev.sallyport.image.Digests;
import dev.sallyport.image.Layer;
import dev.sallyport.image.tree.ErofsTree;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Whether layers are what was built: hashing them is most of the time of a verification, so it is done side by side. */
final class LayerCheck {
    private static final String REBUILD = "Build the image again: './sallyport image build'.";
    private static final int SIDE_BY_SIDE = 2;

    private LayerCheck() {}

    /**
     * What is damaged.
     *
     * @throws InterruptedException when the thread was interrupted meanwhile
     */
    static List<Finding> damage(List<Layer> layers) throws InterruptedException {
        List<Layer> largestFirst = layers.stream()
                .sorted(Comparator.comparingLong(Layer::bytes).reversed())
                .toList();
        List<Finding> findings = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(SIDE_BY_SIDE)) {
            List<Future<Optional<Finding>>> running = largestFirst.stream()
                    .map(layer -> threads.submit(() -> damage(layer)))
                    .toList();
            for (Future<Optional<Finding>> one : running) {
                one.get().ifPresent(findings::add);
            }
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException("a layer could not be looked at", e.getCause());
        }
        return findings;
    }

    private static Optional<Finding> damage(Layer layer) {
        try (ErofsTree content = ErofsTree.open(layer.file())) {
            if (!content.uuid().equals(layer.uuid())) {
                return found(layer, CauseCode.LAYER_MISSING, "is another file system than it says");
            }
            if (!Digests.of(layer.file()).equals(layer.digest())) {
                return found(layer, CauseCode.LAYER_CORRUPT, "is not what was built");
            }
            return Optional.empty();
        } catch (java.nio.file.NoSuchFileException e) {
            return found(layer, CauseCode.LAYER_MISSING, "is not there");
        } catch (IOException e) {
            return found(layer, CauseCode.LAYER_CORRUPT, "cannot be read: " + e.getMessage());
        }
    }

    private static Optional<Finding> found(Layer layer, CauseCode code, String how) {
        return Optional.of(
                Finding.error(code, layer.file().toString(), "The layer " + layer.name() + " " + how + ".", REBUILD));
    }
}
