package dev.sallyport.image.build;

import dev.sallyport.image.Trees;
import dev.sallyport.image.recipe.LayerRecipe.Directory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Makes layers of folders of the checkout. */
final class DirectoryMaker {
    private static final Duration AT_MOST = Duration.ofMinutes(5);

    private DirectoryMaker() {}

    static Path make(Directory recipe, Path from, String key, Making making) throws IOException, InterruptedException {
        Path root = making.folder().resolve("root");
        Path to = root.resolve(recipe.to().substring(1));
        Path parent = to.getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        making.progress().running("copying files", 20, -1);
        Trees.copy(from, to);
        making.progress().running("writing the layer", 60, -1);
        Path layer = making.folder().resolve("layer.erofs");
        making.commands().run(new Commands.Command(Erofs.ofFolder(key, root, layer), AT_MOST));
        return layer;
    }
}
