package dev.sallyport.cli;

import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.image.Layer;
import dev.sallyport.image.verify.Options;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import dev.sallyport.model.VmType;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./sallyport image}: builds, lists, shows, verifies and rolls back images. */
@Command(
        name = "image",
        mixinStandardHelpOptions = true,
        description = "Builds, lists, shows, verifies and rolls back images.")
public final class ImageVerb implements Verb {
    private final Folders folders = Folders.ofThisProcess();

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("picocli injects the specification before it calls");
        }
        throw new ParameterException(spec.commandLine(), "say what: build, list, show, verify or rollback");
    }

    @Command(name = "build", mixinStandardHelpOptions = true, description = "Builds what changed and makes it current.")
    int build(
            @Parameters(arity = "0..*", paramLabel = "ALIAS", description = "browser, cli (default: both)") @Nullable
                    List<String> aliases)
            throws InterruptedException {
        List<String> wanted = aliases == null || aliases.isEmpty()
                ? Arrays.stream(VmType.values()).map(VmType::wire).toList()
                : aliases.stream().map(alias -> VmType.ofWire(alias).wire()).toList();
        for (Image image : Images.build(folders, wanted, Progress.onStandardError())) {
            System.out.println(image.recipe() + " is image " + image.id());
        }
        return 0;
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists images; the current ones are marked.")
    int list() {
        ImageStore store = ImageStore.open(folders.cache());
        for (Image image : store.images()) {
            boolean current = store.current(image.recipe())
                    .filter(one -> one.id().equals(image.id()))
                    .isPresent();
            System.out.printf(
                    "%s %-8s %s  %s  %5d MiB%n",
                    current ? "*" : " ",
                    image.recipe(),
                    image.id(),
                    image.created(),
                    image.layers().stream().mapToLong(Layer::bytes).sum() >> 20);
        }
        return 0;
    }

    @Command(name = "show", mixinStandardHelpOptions = true, description = "Shows an image's layers.")
    int show(@Parameters(paramLabel = "IMAGE", description = "an alias or an id") String name) {
        Image image = find(name);
        System.out.println("image     " + image.id() + " (" + image.recipe() + ", " + image.created() + ")");
        System.out.println("kernel    " + image.kernel());
        System.out.println("initramfs " + image.initramfs());
        System.out.println("arguments " + String.join(" ", image.kernelArguments()));
        for (Layer layer : image.layers()) {
            System.out.printf(
                    "layer     %-14s %5d MiB  sha256:%s%n", layer.name(), layer.bytes() >> 20, layer.digest());
        }
        return 0;
    }

    @Command(
            name = "verify",
            mixinStandardHelpOptions = true,
            description = {
                "Proves, without booting, that an image can come up; exits 1 when it cannot.",
                "Besides our own images it takes what others made: a folder, a tarball, a file system, a disk image."
            })
    int verify(
            @Parameters(paramLabel = "IMAGE", description = "an alias, an id, or the path of a file or folder")
                    String name,
            @Option(
                            names = "--unit",
                            paramLabel = "NAME",
                            description = "a unit that must come up (default: " + Options.AGENT + "); may be repeated")
                    @Nullable
                    List<String> units,
            @Option(names = "--json", description = "the report as JSON") boolean json) {
        return new VerifyReport(ImageStore.open(folders.cache()), System.out, System.err)
                .verify(name, units == null ? List.of() : units, json);
    }

    @Command(name = "rollback", mixinStandardHelpOptions = true, description = "Points an alias at its image before.")
    int rollback(@Parameters(paramLabel = "ALIAS", description = "browser or cli") String alias) {
        Image image =
                ImageStore.open(folders.cache()).rollback(VmType.ofWire(alias).wire());
        System.out.println(alias + " is image " + image.id() + " again");
        return 0;
    }

    private Image find(String name) {
        ImageStore store = ImageStore.open(folders.cache());
        return store.current(name)
                .or(() -> store.byId(name))
                .orElseThrow(() -> FailureException.of(
                        CauseCode.IMAGE_MISSING,
                        "Neither an alias nor an image: './sallyport image list' lists them."));
    }
}
