package dev.sallyport.cli.doctor;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.Layer;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Whether the images that machines are made from are there, whole and not too old. */
final class ImagesCheck implements Check {
    private static final Duration OLD = Duration.ofDays(60);

    /**
     * What was seen of an alias.
     *
     * @param alias its name
     * @param image what it points at, if it is there
     * @param faults what is wrong with the image's files
     */
    record Seen(String alias, Optional<Image> image, List<String> faults) {}

    private final Path cache;

    ImagesCheck(Path cache) {
        this.cache = cache;
    }

    /**
     * The store of a cache folder, if there is one: opening makes it where there is none.
     *
     * @throws AccessDeniedException when it is another user's
     */
    static Optional<ImageStore> store(Path cache) throws AccessDeniedException {
        Path images = cache.resolve("images");
        if (!Files.isDirectory(images.resolve("manifests"))) {
            return Optional.empty();
        }
        if (!Files.isWritable(images.resolve("locks"))) {
            throw new AccessDeniedException(images.toString());
        }
        return Optional.of(ImageStore.open(cache));
    }

    @Override
    public String name() {
        return "images";
    }

    @Override
    public List<Finding> look() throws IOException {
        var findings = new ArrayList<Finding>();
        Optional<ImageStore> store = store(cache);
        for (VmType type : VmType.values()) {
            Optional<Image> image = store.flatMap(one -> one.current(type.wire()));
            var faults = new ArrayList<String>();
            if (image.isPresent()) {
                need(image.get().kernel(), "its kernel", faults);
                need(image.get().initramfs(), "its initramfs", faults);
                for (Layer layer : image.get().layers()) {
                    need(layer, faults);
                }
            }
            findings.add(judge(new Seen(type.wire(), image, faults), Instant.now()));
        }
        return findings;
    }

    private static void need(Path file, String what, List<String> faults) throws IOException {
        if (!Files.isRegularFile(file)) {
            faults.add(what + " is gone");
        } else if (Files.size(file) == 0) {
            faults.add(what + " is empty");
        }
    }

    private static void need(Layer layer, List<String> faults) throws IOException {
        if (!Files.isRegularFile(layer.file())) {
            faults.add("its layer " + layer.name() + " is gone");
        } else if (Files.size(layer.file()) != layer.bytes()) {
            faults.add("its layer " + layer.name() + " has " + Files.size(layer.file()) + " bytes instead of "
                    + layer.bytes());
        }
    }

    static Finding judge(Seen seen, Instant now) {
        if (seen.image().isEmpty()) {
            return Finding.warning(
                    "There is no image '" + seen.alias() + "' yet.",
                    "Run './sallyport image build', or let the first 'up' do it.");
        }
        Image image = seen.image().get();
        String name = seen.alias() + " is image " + image.id();
        if (!seen.faults().isEmpty()) {
            return Finding.broken(
                    name + ", but " + String.join(", ", seen.faults()) + ".",
                    "Remove the folder 'images' of the cache, and run './sallyport image build'.");
        }
        long bytes = image.layers().stream().mapToLong(Layer::bytes).sum();
        Duration age = Duration.between(image.created(), now);
        String text = name + ": " + image.layers().size() + " layers, " + (bytes >> 20) + " MiB, "
                + (age.toDays() > 0 ? age.toDays() + " days old" : "made within a day") + ".";
        return age.compareTo(OLD) > 0
                ? Finding.warning(
                        text,
                        "Update Sallyport and run './sallyport image build', so that Debian and Chromium are current.")
                : Finding.ok(text);
    }
}
