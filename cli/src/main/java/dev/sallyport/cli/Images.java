package dev.sallyport.cli;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.build.BuildInputs;
import dev.sallyport.image.build.BuildListener;
import dev.sallyport.image.build.ImageBuilder;
import dev.sallyport.model.Folders;
import dev.sallyport.model.VmType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Makes sure that the images are there: builds what changed, and nothing else. */
public final class Images {
    private Images() {}

    /** Builds what is not there yet of both kinds' images, showing progress; returns the current images. */
    public static List<Image> ensure(Folders folders, Progress progress) throws InterruptedException {
        return build(folders, Arrays.stream(VmType.values()).map(VmType::wire).toList(), progress);
    }

    /** Builds what is not there yet of the images of {@code recipes}, side by side, and makes them current. */
    public static List<Image> build(Folders folders, List<String> recipes, Progress progress)
            throws InterruptedException {
        return new ImageBuilder(ImageStore.open(folders.cache()), inputs(folders), listener(progress)).build(recipes);
    }

    private static BuildInputs inputs(Folders folders) {
        return new BuildInputs(folders.home(), Path.of(System.getProperty("java.home")));
    }

    private static BuildListener listener(Progress progress) {
        return step -> {
            switch (step.state()) {
                case WAITING, RUNNING -> progress.at("image part " + step.part(), step.percent() / 100.0, step.phase());
                case BUILT ->
                    progress.done(
                            "image part " + step.part(),
                            "built in " + Progress.duration(step.millis()) + ", " + (step.bytes() >> 20) + " MiB");
                case FAILED -> progress.done("image part " + step.part(), "FAILED: " + step.phase());
                case CACHED -> progress.forget("image part " + step.part());
            }
        };
    }
}
