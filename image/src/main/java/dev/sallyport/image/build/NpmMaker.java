package dev.sallyport.image.build;

import dev.sallyport.image.Trees;
import dev.sallyport.image.recipe.LayerRecipe.Npm;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Makes layers of npm's packages, with npm itself. */
final class NpmMaker {
    private static final Duration AT_MOST = Duration.ofMinutes(20);

    private NpmMaker() {}

    static Path make(Npm recipe, String key, Making making) throws IOException, InterruptedException {
        Path root = making.folder().resolve("root");
        Path prefix = root.resolve(recipe.to().substring(1));
        Files.createDirectories(prefix);
        List<String> command = new ArrayList<>(List.of(
                "npm",
                "install",
                "--global",
                "--prefix=" + prefix,
                "--omit=dev",
                "--ignore-scripts=" + !recipe.scripts(),
                "--no-audit",
                "--no-fund",
                "--no-update-notifier",
                "--cache=" + making.downloads().resolve("npm"),
                "--os=linux",
                "--cpu=x64",
                "--libc=glibc",
                "--"));
        recipe.packages().forEach((name, version) -> command.add(name + "@" + version));
        making.progress().running("installing packages", 10, -1);
        making.commands().run(new Commands.Command(command, AT_MOST));
        making.progress().running("linking commands", 70, -1);
        for (String path : recipe.removed()) {
            remove(prefix, path);
        }
        link(recipe.commands(), prefix);
        making.progress().running("writing the layer", 80, -1);
        Path layer = making.folder().resolve("layer.erofs");
        making.commands().run(new Commands.Command(Erofs.ofFolder(key, root, layer), AT_MOST));
        return layer;
    }

    /** {@code *} in the last name stands for any characters. */
    private static void remove(Path prefix, String path) throws IOException {
        Path found = prefix.resolve(path);
        Path folder = found.getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            return;
        }
        List<Path> all = new ArrayList<>();
        try (DirectoryStream<Path> matching =
                Files.newDirectoryStream(folder, found.getFileName().toString())) {
            matching.forEach(all::add);
        }
        for (Path tree : all) {
            Trees.delete(tree);
        }
    }

    private static void link(Map<String, String> commands, Path prefix) throws IOException {
        if (commands.isEmpty()) {
            return;
        }
        Path bin = prefix.resolve("bin");
        Trees.delete(bin);
        Files.createDirectories(bin);
        for (Map.Entry<String, String> command : commands.entrySet()) {
            Path target = prefix.resolve(command.getValue());
            if (!Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS) || !Files.isExecutable(target)) {
                throw FailureException.of(
                        CauseCode.IMAGE_BUILD_FAILED,
                        "The packages hold no program " + command.getValue() + " for the command " + command.getKey()
                                + ".");
            }
            Files.createSymbolicLink(bin.resolve(command.getKey()), bin.relativize(target));
        }
    }
}
