package dev.sallyport.acceptance.crash;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.build.BuildInputs;
import dev.sallyport.image.build.ImageBuilder;
import dev.sallyport.image.recipe.RecipeParser;
import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A build of an image in a process of its own, which can be killed. Its arguments are {@code name=value}. On standard output it says
 * what it found left of builds before it ({@code LEFT …}), after the store was opened; each step ({@code STATE part phase}); and at
 * its end {@code IMAGE id}. With another {@code round}, one layer is another.
 */
final class ImageBuildProcess {
    /** The product's recipes, but for these: small layers of each kind on a root that is there already. */
    private static final Map<String, String> RECIPES = Map.of(
            "recipes/cli.yaml", "layers: [root-cli, node, tool-demo, small, agent]",
            "layers/small.yaml", "{kind: npm, to: /opt/sallyport/smallROUND, packages: {is-number: 7.0.0}}",
            "recipes/debian.yaml", "layers: [root-small]",
            "layers/root-small.yaml", "{kind: debian, suite: bookworm, packages: [busybox-static]}");

    private ImageBuildProcess() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (String argument : arguments) {
            given.put(argument.substring(0, argument.indexOf('=')), argument.substring(argument.indexOf('=') + 1));
        }
        Path cache = Path.of(given.get("cache"));
        Set<String> before = BuildLeftovers.builds(cache);
        ImageStore store = ImageStore.open(cache);
        BuildLeftovers.of(cache, before).forEach(left -> System.out.println("LEFT " + left));
        var builder = new ImageBuilder(
                store,
                new BuildInputs(Path.of(given.get("home")), Path.of(System.getProperty("java.home"))),
                step -> System.out.println(step.state() + " " + step.part() + " " + step.phase()),
                new RecipeParser(path -> recipe(path, given.getOrDefault("round", ""))),
                given.containsKey("steps")
                        ? new FirstVisits(Path.of(given.get("steps")), FirstVisits.Blow.HALT.on(cache))
                        : StepHook.NONE);
        Image image = builder.build(given.getOrDefault("recipe", "cli"));
        System.out.println("IMAGE " + image.id());
    }

    private static Optional<String> recipe(String path, String round) {
        String ours = RECIPES.get(path);
        if (ours != null) {
            return Optional.of(ours.replace("ROUND", round));
        }
        try (InputStream in = RecipeParser.class.getResourceAsStream("/" + path)) {
            return in == null ? Optional.empty() : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
