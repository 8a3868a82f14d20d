package dev.sallyport.acceptance.demo;

import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.cli.AdminTokenFile;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.cli.Failures;
import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;

/**
 * A controller on a data folder of its own, whose machines reach the stand-in for vendors instead of the internet. Closing it
 * removes the data folder; after a crash the next stage on the same folder removes what was left.
 */
public final class Stage implements AutoCloseable {
    private static final long LOOK_MILLIS = 200;
    private static final Duration TEMPLATES = Duration.ofMinutes(5);

    private final Folders folders;
    private final StandInVendors vendors;
    private final Controller controller;
    private final ApiClient admin;
    private final AtomicBoolean ended = new AtomicBoolean();
    /** Ctrl-C in the middle of a sign-in leaves nothing either. */
    private final Thread onInterrupt = new Thread(this::closeWhole, "end of stage");

    private Stage(Folders folders, StandInVendors vendors, Controller controller, ApiClient admin) {
        this.folders = folders;
        this.vendors = vendors;
        this.controller = controller;
        this.admin = admin;
    }

    /**
     * Opens a stage.
     *
     * @param installed where caches and the product lie
     * @param data the data folder; removed when the stage closes
     * @param listen where to serve
     * @param choices what is chosen otherwise
     */
    public static Stage open(Folders installed, Path data, InetSocketAddress listen, UnaryOperator<Settings> choices)
            throws IOException, InterruptedException {
        var folders = new Folders(installed.cache(), data, installed.home());
        Files.createDirectories(data);
        StandInVendors vendors = StandInVendors.start(installed.cache().resolve("stand-in.p12"));
        try {
            Controller controller = Controller.start(choices.apply(Settings.defaults(folders))
                    .listeningOn(listen)
                    .goingOutThrough(vendors.proxy(), Optional.of(vendors.caPem())));
            var stage = new Stage(
                    folders,
                    vendors,
                    controller,
                    new ApiClient(controller.address(), AdminTokenFile.read(folders.data())));
            Runtime.getRuntime().addShutdownHook(stage.onInterrupt);
            return stage;
        } catch (RuntimeException | InterruptedException e) {
            vendors.close();
            throw e;
        }
    }

    /** Where the controller serves. */
    public URI address() {
        return controller.address();
    }

    /**
     * Waits until machines need not boot, or cannot do better; once for an image it takes a boot of each kind. Where there is no room to
     * make templates now, it goes on without them after a while.
     */
    public void awaitTemplates() throws InterruptedException {
        long deadline = System.nanoTime() + TEMPLATES.toNanos();
        while (!controller.hasTemplates() && System.nanoTime() < deadline) {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
    }

    /** The API with the admin token. */
    public ApiClient admin() {
        return admin;
    }

    /** The API with a fresh token of user {@code name}. */
    public ApiClient user(String name) throws InterruptedException {
        return new ApiClient(
                address(),
                Secret.of(admin.post("/api/tokens", Map.of("userId", name))
                        .path("secret")
                        .asText()));
    }

    /** The stand-in. */
    public StandInVendors vendors() {
        return vendors;
    }

    /** Where its caches and data lie. */
    public Folders folders() {
        return folders;
    }

    /** Ends the controller with its machines, but leaves the data folder as it is. Doing so twice is harmless. */
    public void end() {
        if (ended.compareAndSet(false, true)) {
            admin.close();
            controller.close();
            vendors.close();
        }
    }

    @Override
    public void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(onInterrupt);
        } catch (IllegalStateException e) {
            return; // The process is ending: the hook does it.
        }
        end();
        removeTree(folders.data());
    }

    private void closeWhole() {
        try {
            end();
            removeTree(folders.data());
        } catch (IOException | RuntimeException e) {
            Failures.print(e, System.err);
        }
    }

    /** Removes {@code folder} and what is below it. */
    public static void removeTree(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
