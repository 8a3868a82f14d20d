package dev.sallyport.image.build;

import dev.sallyport.image.Failures;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.KernelFiles;
import dev.sallyport.image.Layer;
import dev.sallyport.image.StoredFile;
import dev.sallyport.image.Workspace;
import dev.sallyport.image.recipe.ImageRecipe;
import dev.sallyport.image.recipe.KernelRecipe;
import dev.sallyport.image.recipe.LayerRecipe;
import dev.sallyport.image.recipe.RecipeParser;
import dev.sallyport.image.verify.Finding;
import dev.sallyport.image.verify.ImageVerifier;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Makes images, or as much of them as is not there yet. */
public final class ImageBuilder {
    private final ImageStore store;
    private final BuildInputs inputs;
    private final BuildListener listener;
    private final RecipeParser recipes;
    private final StepHook hook;

    public ImageBuilder(ImageStore store, BuildInputs inputs, BuildListener listener) {
        this(store, inputs, listener, RecipeParser.ofTheProduct(), StepHook.NONE);
    }

    /** With recipes of one's own, and somebody who is told of each step. */
    public ImageBuilder(
            ImageStore store, BuildInputs inputs, BuildListener listener, RecipeParser recipes, StepHook hook) {
        this.store = store;
        this.inputs = inputs;
        this.listener = listener;
        this.recipes = recipes;
        this.hook = hook;
    }

    /**
     * Makes the kernel and the initramfs alone: enough to find out what a hypervisor can do.
     *
     * @throws FailureException {@link CauseCode#IMAGE_BUILD_FAILED} with the last lines of what failed, or {@link CauseCode#DISK_FULL}
     * @throws InterruptedException when the thread is interrupted; what was started has been ended then
     */
    public KernelFiles kernel() throws InterruptedException {
        KernelRecipe recipe = recipes.kernel();
        try (var _ = store.use()) {
            Kernel made = new Run("kernel").kernel(recipe);
            return new KernelFiles(made.kernel().file(), made.initramfs().file(), recipe.arguments());
        }
    }

    /**
     * Makes an image, verifies it, and makes it the one that the recipe's alias points at.
     *
     * @param recipe the recipe's name: {@code browser} or {@code cli}
     * @throws FailureException {@link CauseCode#NOT_FOUND} when there is no such recipe, {@link CauseCode#IMAGE_BUILD_FAILED} with the
     *     last lines of what failed, {@link CauseCode#DISK_FULL}, or {@link CauseCode#IMAGE_UNSOUND} with what the verifier found; the
     *     alias then points at what it pointed at before
     * @throws InterruptedException when the thread is interrupted; what was started has been ended then
     */
    public Image build(String recipe) throws InterruptedException {
        return build(List.of(recipe)).getFirst();
    }

    /**
     * Makes several images, their parts side by side and what they share once.
     *
     * @return the images, in the order of {@code recipes}
     * @see #build(String)
     */
    public List<Image> build(List<String> names) throws InterruptedException {
        KernelRecipe kernelRecipe = recipes.kernel();
        List<ImageRecipe> images = names.stream().map(recipes::image).toList();
        try (var _ = store.use()) {
            return new Run(String.join("-", names)).images(kernelRecipe, images);
        }
    }

    private record Kernel(StoredFile kernel, StoredFile initramfs) {}

    private interface Maker {
        StoredFile make(Making making) throws IOException, InterruptedException;
    }

    /** One build, with a folder for its logs. */
    private final class Run {
        private final BuildLogs logs;

        Run(String what) {
            logs = BuildLogs.begin(store.cache(), what);
        }

        Kernel kernel(KernelRecipe recipe) throws InterruptedException {
            String key = Keys.kernel(recipe);
            StoredFile kernel = made("kernel", key, making -> {
                KernelMaker.Made parts = KernelMaker.make(recipe, making);
                Map<String, String> notes = Map.of("version", parts.version());
                store.add(making.workspace(), parts.parts(), "kernel-parts", key, notes);
                return store.add(making.workspace(), parts.kernel(), "kernel", key, notes);
            });
            StoredFile parts = store.find("kernel-parts", key)
                    .orElseThrow(() -> FailureException.of(
                            CauseCode.IMAGE_BUILD_FAILED,
                            "The parts of the initramfs are gone.",
                            "kernel-parts " + key));
            String initramfsKey = Keys.initramfs(parts, Initramfs.init());
            StoredFile initramfs = made("initramfs", initramfsKey, making -> {
                Path file = making.folder().resolve("initramfs");
                Initramfs.write(parts.file(), file);
                return store.add(making.workspace(), file, "initramfs", initramfsKey, Map.of());
            });
            return new Kernel(kernel, initramfs);
        }

        List<Image> images(KernelRecipe kernelRecipe, List<ImageRecipe> images) throws InterruptedException {
            Map<String, LayerRecipe> layers = new LinkedHashMap<>();
            images.forEach(image -> image.layers().forEach(layer -> layers.put(layer.name(), layer)));
            List<Callable<Kernel>> kernelTask = List.of(() -> kernel(kernelRecipe));
            List<Callable<StoredFile>> layerTasks = new ArrayList<>();
            layers.values().forEach(layer -> layerTasks.add(() -> layer(layer)));
            Kernel kernel;
            Map<String, StoredFile> made = new HashMap<>();
            try (var together = new Together()) {
                var kernels = together.start(kernelTask);
                var files = together.start(layerTasks);
                together.await();
                kernel = kernels.getFirst().resultNow();
                files.forEach(file -> made.put(file.resultNow().name(), file.resultNow()));
            }
            List<Image> finished = new ArrayList<>();
            for (ImageRecipe recipe : images) {
                List<StoredFile> parts = recipe.layers().stream()
                        .map(layer -> Objects.requireNonNull(made.get(layer.name())))
                        .toList();
                hook.before("save " + recipe.name());
                finished.add(store.save(
                        recipe.name(), kernel.kernel(), kernel.initramfs(), parts, kernelRecipe.arguments()));
                hook.after("save " + recipe.name());
            }
            for (Image image : finished) {
                boolean current = store.current(image.recipe())
                        .filter(one -> one.id().equals(image.id()))
                        .isPresent();
                if (!current) {
                    verify(image);
                    hook.before("promote " + image.recipe());
                    store.promote(image);
                    hook.after("promote " + image.recipe());
                }
            }
            return List.copyOf(finished);
        }

        /** What does not verify does not become current: the alias stays where it was. */
        private void verify(Image image) {
            var progress = new Progress(listener, "verification of " + image.recipe());
            progress.running("reading the layers", 0, -1);
            List<Finding> findings = ImageVerifier.verify(image);
            if (findings.stream().anyMatch(Finding::isError)) {
                progress.failed(findings.getFirst().text());
                throw new FailureException(new Cause(
                        CauseCode.IMAGE_UNSOUND,
                        "Image " + image.id() + " of " + image.recipe() + " does not verify.",
                        findings.stream().map(Finding::toString).toList()));
            }
            progress.built(image.layers().stream().mapToLong(Layer::bytes).sum());
        }

        private StoredFile layer(LayerRecipe layer) throws InterruptedException {
            try {
                return switch (layer) {
                    case LayerRecipe.Debian debian -> {
                        String key = Keys.debian(debian);
                        yield layer(debian, key, making -> DebianMaker.make(debian, key, making));
                    }
                    case LayerRecipe.Npm npm -> {
                        String key = Keys.npm(npm);
                        yield layer(npm, key, making -> NpmMaker.make(npm, key, making));
                    }
                    case LayerRecipe.Directory directory -> {
                        Path from = inputs.home().resolve(directory.from());
                        String key = Keys.directory(directory, from);
                        yield layer(directory, key, making -> DirectoryMaker.make(directory, from, key, making));
                    }
                    case LayerRecipe.Agent agent -> agent(agent);
                };
            } catch (IOException e) {
                throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the inputs of " + layer.name() + " cannot be read", e);
            }
        }

        private StoredFile agent(LayerRecipe.Agent agent) throws IOException, InterruptedException {
            List<Path> jars = AgentMaker.jars(inputs.home().resolve(agent.from()));
            String runtimeKey = Keys.runtime(agent, inputs.javaHome());
            String key = Keys.agent(agent, runtimeKey, jars);
            return layer(agent, key, making -> {
                StoredFile runtime = made(
                        "agent-runtime",
                        runtimeKey,
                        linking -> store.add(
                                linking.workspace(),
                                AgentMaker.runtime(agent, inputs.javaHome(), linking),
                                "agent-runtime",
                                runtimeKey,
                                Map.of()));
                return AgentMaker.make(agent, jars, runtime.file(), key, making);
            });
        }

        private interface LayerMaker {
            Path make(Making making) throws IOException, InterruptedException;
        }

        private StoredFile layer(LayerRecipe layer, String key, LayerMaker maker) throws InterruptedException {
            return made(
                    layer.name(),
                    key,
                    making -> store.add(
                            making.workspace(),
                            maker.make(making),
                            layer.name(),
                            key,
                            Map.of("uuid", Erofs.uuid(key).toString())));
        }

        /** What is there, or what {@code maker} makes; one alone at a time, whoever asks. */
        private StoredFile made(String name, String key, Maker maker) throws InterruptedException {
            var progress = new Progress(listener, name);
            Optional<StoredFile> there = store.find(name, key);
            if (there.isEmpty()) {
                try (var _ = store.making(name, progress::waiting)) {
                    // Who was waited for may have made the very same.
                    there = store.find(name, key);
                    if (there.isEmpty()) {
                        return make(name, progress, maker);
                    }
                }
            }
            progress.cached(there.get().bytes());
            return there.get();
        }

        private StoredFile make(String name, Progress progress, Maker maker) throws InterruptedException {
            try (Workspace workspace = store.workspace(name, hook)) {
                progress.running("beginning", 0, -1);
                Path downloads = Files.createDirectories(store.cache().resolve("downloads"));
                var commands = new Commands(logs.of(name), workspace, inputs.environment());
                StoredFile file = maker.make(new Making(workspace, commands, progress, downloads));
                progress.built(file.bytes());
                return file;
            } catch (IOException e) {
                FailureException failure = Failures.of(CauseCode.IMAGE_BUILD_FAILED, name + " could not be made", e);
                progress.failed(failure.reason().detail());
                throw failure;
            } catch (FailureException e) {
                progress.failed(e.reason().detail());
                throw e;
            }
        }
    }
}
