package dev.sallyport.image.build;

import dev.sallyport.image.Digests;
import dev.sallyport.image.StoredFile;
import dev.sallyport.image.recipe.KernelRecipe;
import dev.sallyport.image.recipe.LayerRecipe.Agent;
import dev.sallyport.image.recipe.LayerRecipe.Debian;
import dev.sallyport.image.recipe.LayerRecipe.Directory;
import dev.sallyport.image.recipe.LayerRecipe.FileRecipe;
import dev.sallyport.image.recipe.LayerRecipe.Npm;
import dev.sallyport.image.recipe.LayerRecipe.User;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The keys of parts: digests over everything that a part is made from. */
final class Keys {
    /** Changes when what a maker does with the same inputs changes. */
    private static final String KERNEL = "kernel 1";

    private static final String INITRAMFS = "initramfs 1";
    private static final String DEBIAN = "debian 1";
    private static final String NPM = "npm 1";
    private static final String DIRECTORY = "directory 1";
    private static final String RUNTIME = "runtime 1";
    private static final String AGENT = "agent 1";

    private Keys() {}

    static String kernel(KernelRecipe recipe) {
        return new KeyText(KERNEL)
                .add("suite", recipe.suite())
                .addAll("packages", recipe.packages())
                .addAll("modules", recipe.modules())
                .key();
    }

    static String initramfs(StoredFile parts, byte[] init) {
        return new KeyText(INITRAMFS)
                .add("parts", parts.digest())
                .add("init", Digests.of(init))
                .key();
    }

    static String debian(Debian recipe) {
        var text = layer(DEBIAN, recipe.name())
                .add("suite", recipe.suite())
                .addAll("packages", recipe.packages())
                .addAll("masked", recipe.masked())
                .addAll("removed", recipe.removed())
                .addAll("links", recipe.links());
        files(text, recipe.files());
        for (User user : recipe.users()) {
            text.add("user", user.name())
                    .add("uid", Integer.toString(user.uid()))
                    .add("home", user.home());
            text.addAll("folders", user.folders());
        }
        return text.key();
    }

    static String npm(Npm recipe) {
        return layer(NPM, recipe.name())
                .addAll("packages", recipe.packages())
                .add("to", recipe.to())
                .add("scripts", Boolean.toString(recipe.scripts()))
                .addAll("commands", recipe.commands())
                .addAll("removed", recipe.removed())
                .key();
    }

    static String directory(Directory recipe, Path from) throws IOException {
        return layer(DIRECTORY, recipe.name())
                .add("to", recipe.to())
                .addTree("from", from)
                .key();
    }

    /** The JDK is known by its {@code release} file and the time of its modules. */
    static String runtime(Agent recipe, Path javaHome) throws IOException {
        Path modules = javaHome.resolve("lib/modules");
        return new KeyText(RUNTIME)
                .add("release", Files.readString(javaHome.resolve("release")))
                .add("size", Long.toString(Files.size(modules)))
                .add("time", Files.getLastModifiedTime(modules).toString())
                .addAll("modules", recipe.modules())
                .key();
    }

    static String agent(Agent recipe, String runtimeKey, List<Path> jars) throws IOException {
        var text = layer(AGENT, recipe.name())
                .add("runtime", runtimeKey)
                .add("to", recipe.to())
                .add("mainClass", recipe.mainClass())
                .addAll("flags", recipe.flags())
                .addAll("links", recipe.links());
        files(text, recipe.files());
        for (Path jar : jars) {
            text.add("jar", jar.getFileName().toString()).add("digest", Digests.of(jar));
        }
        return text.key();
    }

    private static KeyText layer(String maker, String name) {
        return new KeyText(maker).add("name", name).add("options", String.join(" ", Erofs.options("0".repeat(64))));
    }

    private static void files(KeyText text, List<FileRecipe> files) {
        for (FileRecipe file : files) {
            text.add("file", file.path()).add("mode", file.mode()).add("content", file.content());
        }
    }
}
