package dev.sallyport.acceptance.faults;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.standin.StandInVendors;
import dev.sallyport.acceptance.standin.TestUser;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.cli.SessionFollower;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.HostMemory;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.admission.Rate;
import dev.sallyport.image.Image;
import dev.sallyport.model.Folders;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A controller on which things go wrong: with images of its own, a hypervisor with knobs, the stand-in for vendors, and
 * providers whose definitions ask for what fails.
 */
final class FaultStage implements AutoCloseable {
    /** A user whose CLI machine is up already, so that each fault costs one machine. */
    static final String READY_USER = "fault-ready";

    private static final Duration BOOT = Duration.ofSeconds(90);
    /** Enough for whoever only comes up; a fault fills it. */
    private static final long DISK_BYTES = 192L << 20;

    /** All faults are one user's, and the quickest are there at once. */
    private static final Rate OFTEN = Rate.perMinute(1000);

    /** Longer than any fault takes to be told; a sign-in that none befell would wait for its user until it expires. */
    private static final Duration AT_MOST = Duration.ofMinutes(4);

    private final Path place;
    private final Stage stage;
    private final FaultImages images;
    private final Knobs knobs;

    private FaultStage(Path place, Stage stage, FaultImages images, Knobs knobs) {
        this.place = place;
        this.stage = stage;
        this.images = images;
        this.knobs = knobs;
    }

    static FaultStage open(Path place, Settings.Accelerator accelerator) throws IOException, InterruptedException {
        Folders product = Folders.ofThisProcess();
        Path cache = Files.createDirectories(place.resolve("cache"));
        FaultImages images = FaultImages.open(product.cache(), cache);
        Knobs knobs = Knobs.make(place.resolve("knobs"));
        Path data = Files.createDirectories(place.resolve("data"));
        FaultProviders.write(data.resolve("providers"));
        Settings.Timing usual = Settings.Timing.DEFAULTS;
        Stage stage = Stage.open(
                new Folders(cache, data, product.home()),
                data,
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                settings -> settings.with(accelerator, settings.network())
                        .with(Settings.Ahead.NOTHING)
                        .with(Limits.defaults(new HostMemory(Path.of("/")).total())
                                .withRates(OFTEN, OFTEN))
                        .withHypervisor(knobs.program().toString())
                        .with(new Settings.Shape(1024, 1, DISK_BYTES), new Settings.Shape(512, 1, DISK_BYTES))
                        .with(usual.boot(BOOT)
                                .graces(Duration.ofMillis(1), Duration.ofMillis(1), usual.graceAtMost())));
        return new FaultStage(place, stage, images, knobs);
    }

    /** The folder of all that is this stage's. */
    Path place() {
        return place;
    }

    FaultImages images() {
        return images;
    }

    Knobs knobs() {
        return knobs;
    }

    StandInVendors vendors() {
        return stage.vendors();
    }

    ApiClient api() {
        return stage.admin();
    }

    /** Starts the CLI machine of {@link #READY_USER}. */
    void startReadyMachine() throws InterruptedException {
        api().post("/api/vm/create", Map.of("userId", READY_USER, "vmType", VmType.CLI.wire()));
    }

    /** A sign-in with machines of other images than the product's. */
    Ended signInWith(Image image) throws InterruptedException {
        images.use(image);
        try {
            boolean browser = image.recipe().equals(VmType.BROWSER.wire());
            return signIn(browser ? READY_USER : "fault-" + image.id(), "demo", event -> {});
        } finally {
            images.useSound();
        }
    }

    /** A sign-in to its end; one that takes too long is cancelled. */
    Ended signIn(String user, String provider, Consumer<JsonNode> onEvent) throws InterruptedException {
        String id = api().post("/api/auth/start", Map.of("userId", user, "provider", provider))
                .path("sessionId")
                .asText();
        List<JsonNode> timeline = new ArrayList<>();
        Thread deadline = Thread.ofVirtual().start(() -> cancelLate(id));
        try {
            JsonNode session = SessionFollower.follow(api(), id, event -> {
                timeline.add(event);
                onEvent.accept(event);
            });
            return new Ended(session, timeline);
        } finally {
            deadline.interrupt();
            deadline.join();
        }
    }

    private void cancelLate(String id) {
        try {
            Thread.sleep(AT_MOST);
            api().post("/api/auth/session/" + id + "/cancel", Map.of());
        } catch (InterruptedException e) {
            // It has ended before.
        }
    }

    /** A sign-in whose user decides as soon as the page is open, and hands the address in that their browser ended on. */
    Ended signInAndDecide(String user, String provider, String decision) throws InterruptedException {
        return signIn(user, provider, event -> {
            if (event.path("step").asText().equals("session.awaiting_user")) {
                decide(provider, decision);
            }
        });
    }

    private void decide(String provider, String decision) {
        try (var user = new TestUser(vendors())) {
            String id = sessionOf(provider);
            String url = api().get("/api/auth/session/" + id + "/oauth-url")
                    .path("url")
                    .asText();
            String address = user.decide(url, decision);
            api().send("POST", "/api/auth/session/" + id + "/callback", "{\"address\":\"" + address + "\"}");
        } catch (IOException e) {
            throw new UncheckedIOException("the user cannot decide", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the user decided", e);
        }
    }

    private String sessionOf(String provider) throws InterruptedException {
        for (JsonNode session : api().get("/api/sessions").path("sessions")) {
            if (session.path("provider").asText().equals(provider)
                    && session.path("status").asText().equals("awaiting_user")) {
                return session.path("session_id").asText();
            }
        }
        throw new IllegalStateException("no session of " + provider + " waits for its user");
    }

    @Override
    public void close() throws IOException {
        knobs.set(Knobs.Change.NOTHING);
        knobs.present(true);
        stage.close();
        // Links to the product's images, and the layers of faults: none of it is wanted again.
        Stage.removeTree(place);
    }
}
