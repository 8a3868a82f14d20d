package dev.sallyport.bench.machines;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.cli.AdminTokenFile;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.Settings.Ahead;
import dev.sallyport.controller.admission.HostMemory;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.admission.Rate;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.model.Folders;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A controller in this JVM with real machines, used by its API as anybody would. */
final class House implements AutoCloseable {
    /** Machines begin from templates, and nothing else is ready. */
    static final Ahead TEMPLATES = new Ahead(true, 0, 0, 0, 0, Duration.ofSeconds(30));

    /** Machines begin from templates, as who finds none kept ready has them: one hypervisor of each kind waits. */
    static final Ahead HYPERVISORS = new Ahead(true, 0, 0, 0, 1, Duration.ofSeconds(30));

    private static final ObjectMapper JSON = new ObjectMapper();
    /** The digest of none, as keys have it. */
    private static final String NO_AUTHORITIES = "e3b0c44298fc1c14";

    private static final Duration TEMPLATE = Duration.ofMinutes(5);

    private final Folders folders;
    private final Settings settings;
    private final Controller controller;
    private final ApiClient api;
    private final AtomicInteger users = new AtomicInteger();

    private House(Folders folders, Settings settings, Controller controller) throws IOException {
        this.folders = folders;
        this.settings = settings;
        this.controller = controller;
        this.api = new ApiClient(controller.address(), AdminTokenFile.read(folders.data()));
    }

    /**
     * Opens one.
     *
     * @param installed where caches and the product lie
     * @param data a folder for its data; removed in the end
     */
    static House open(Folders installed, Path data, Ahead ahead) throws IOException, InterruptedException {
        Files.createDirectories(data);
        var folders = new Folders(installed.cache(), data, installed.home());
        Settings settings = Settings.defaults(folders)
                .listeningOn(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .with(Limits.defaults(new HostMemory(Path.of("/")).total())
                        .withMachines(1000, 1000)
                        .withRates(Rate.perMinute(60_000), Rate.perMinute(60_000)))
                .with(ahead);
        return new House(folders, settings, Controller.start(settings));
    }

    URI address() {
        return controller.address();
    }

    ApiClient api() {
        return api;
    }

    Path machines() {
        return folders.data().resolve("machines");
    }

    /** A user who was never seen before. */
    String user() {
        return "bench-" + users.incrementAndGet();
    }

    /**
     * Starts a CLI machine.
     *
     * @return its id
     */
    String cli(String user) throws InterruptedException {
        return api.post("/api/vm/create", Map.of("userId", user, "vmType", "cli"))
                .path("vm")
                .path("vm_id")
                .asText();
    }

    /** Where the agent of a machine is asked. */
    InetSocketAddress agent(String machine) throws IOException, InterruptedException {
        String address = api.get("/api/vm/" + machine).path("vm").path("vm_ip").asText();
        return new InetSocketAddress(InetAddress.getByName(address), 8080);
    }

    /** Waits until {@code count} machines of a kind are kept ready. */
    void awaitSpares(VmType type, int count) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TEMPLATE.toNanos();
        while (System.nanoTime() < deadline) {
            long spares = 0;
            for (JsonNode vm : api.get("/api/vm?alive=true&limit=100").path("vms")) {
                if (vm.path("purpose").asText().equals("pool")
                        && vm.path("state").asText().equals("ready")
                        && vm.path("vm_type").asText().equals(type.wire())) {
                    spares++;
                }
            }
            if (spares >= count) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        throw new IOException("there are not " + count + " " + type.wire() + " machines ready after "
                + TEMPLATE.toMinutes() + " minutes");
    }

    /** Waits until a hypervisor for a machine of a kind waits, where they do. */
    void awaitStandby(VmType type) throws IOException, InterruptedException {
        if (settings.ahead().hypervisors() == 0) {
            return;
        }
        long deadline = System.nanoTime() + TEMPLATE.toNanos();
        while (System.nanoTime() < deadline) {
            if (controller.standbys(type) >= settings.ahead().hypervisors()) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new IOException(
                "no hypervisor waits for a " + type.wire() + " machine after " + TEMPLATE.toMinutes() + " minutes");
    }

    /** Ends a machine, wholly. */
    void end(String machine) throws InterruptedException {
        api.delete("/api/vm/" + machine);
    }

    /**
     * The newest template of a kind, waited for.
     *
     * @throws IOException when there is none in the end
     */
    Path template(VmType type) throws IOException, InterruptedException {
        String image = image(type).id();
        long deadline = System.nanoTime() + TEMPLATE.toNanos();
        while (System.nanoTime() < deadline) {
            // Others of the same image may be there: a demo's trust other authorities.
            Optional<Path> found = controller.hasTemplates() ? newest(type, image) : Optional.empty();
            if (found.isPresent()) {
                return found.get();
            }
            // It takes a boot: nothing is lost by looking now and then.
            TimeUnit.MILLISECONDS.sleep(200);
        }
        throw new IOException("no template of " + type.wire() + " machines came to be in " + TEMPLATE.toMinutes()
                + " minutes; its machine's timeline says why");
    }

    private Optional<Path> newest(VmType type, String image) throws IOException {
        Path templates = folders.cache().resolve("templates");
        if (!Files.isDirectory(templates)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(templates, 3)) {
            List<Path> manifests = files.filter(
                            file -> file.getFileName().toString().equals("manifest.json")
                                    && !file.toString().contains("unfinished"))
                    .toList();
            for (Path manifest :
                    manifests.stream().sorted(Comparator.reverseOrder()).toList()) {
                JsonNode told = JSON.readTree(Files.readAllBytes(manifest));
                JsonNode key = told.path("key");
                if (told.path("kind").asText().equals(type.wire())
                        && told.path("image").asText().equals(image)
                        && key.path("network").asText().equals("tap")
                        && key.path("authorities").asText().equals(NO_AUTHORITIES)
                        && key.path("memory_mib").asInt()
                                == settings.shape(type).memoryMib()) {
                    return Optional.ofNullable(manifest.getParent());
                }
            }
        }
        return Optional.empty();
    }

    Image image(VmType type) {
        return ImageStore.open(folders.cache()).current(type.wire()).orElseThrow();
    }

    BareHypervisor.Shape bare(VmType type) {
        Settings.Shape shape = settings.shape(type);
        return new BareHypervisor.Shape(
                type, image(type), shape.memoryMib(), type == VmType.BROWSER ? 256 : 64, shape.diskBytes());
    }

    Settings settings() {
        return settings;
    }

    @Override
    public void close() throws IOException {
        api.close();
        controller.close();
        remove(folders.data());
    }

    /** Removes {@code folder} and what is below it. */
    static void remove(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
