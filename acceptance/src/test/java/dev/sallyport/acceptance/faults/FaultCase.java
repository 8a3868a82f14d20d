package dev.sallyport.acceptance.faults;

import dev.sallyport.image.Image;
import dev.sallyport.model.CauseCode;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A fault that is made for real.
 *
 * @param name for people
 * @param cause the cause that its session must fail with
 * @param proof a regular expression that one of the evidence lines, or the detail, must match
 * @param image the image that has it; null when it is not in an image
 * @param offline the cause that the verifier must find in that image; empty where nothing can be seen offline
 * @param sign the timeline's step that first shows it, where no console does
 * @param scene how it is played
 */
record FaultCase(
        String name,
        CauseCode cause,
        String proof,
        @Nullable Function<FaultImages, Image> image,
        Optional<CauseCode> offline,
        String sign,
        Scene scene) {

    /** A sign-in with the fault in it, to its end. */
    @FunctionalInterface
    interface Scene {
        Ended play(FaultStage stage, @Nullable Image image) throws Exception;
    }

    /** In an image, and seen offline too. */
    static FaultCase inImage(String name, CauseCode cause, String proof, Function<FaultImages, Image> image) {
        return new FaultCase(name, cause, proof, image, Optional.of(cause), "", FaultCase::boot);
    }

    /** In an image, and only seen when it runs. */
    static FaultCase atRuntime(String name, CauseCode cause, String proof, Function<FaultImages, Image> image) {
        return new FaultCase(name, cause, proof, image, Optional.empty(), "", FaultCase::boot);
    }

    /** Around a machine of the product's image. */
    static FaultCase around(String name, CauseCode cause, String proof, String sign, Scene scene) {
        return new FaultCase(name, cause, proof, null, Optional.empty(), sign, scene);
    }

    /** The same fault, whose first sign is a step of the timeline. */
    FaultCase shownBy(String step) {
        return new FaultCase(name, cause, proof, image, offline, step, scene);
    }

    /** The same fault, played otherwise. */
    FaultCase played(Scene other) {
        return new FaultCase(name, cause, proof, image, offline, sign, other);
    }

    private static Ended boot(FaultStage stage, @Nullable Image image) throws InterruptedException {
        if (image == null) {
            throw new IllegalStateException("this fault is in an image");
        }
        return stage.signInWith(image);
    }

    @Override
    public String toString() {
        return name;
    }
}
