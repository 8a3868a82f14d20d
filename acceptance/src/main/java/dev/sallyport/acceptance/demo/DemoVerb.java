package dev.sallyport.acceptance.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sallyport.cli.AheadOptions;
import dev.sallyport.cli.Images;
import dev.sallyport.cli.MachineOptions;
import dev.sallyport.cli.Progress;
import dev.sallyport.cli.SessionFollower;
import dev.sallyport.cli.Verb;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ./sallyport demo}: everything from nothing to a tool that is signed in, on this box, without any account. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description =
                "Signs in to a tool on fresh machines, from nothing to the proof. No account is needed: the vendor's"
                        + " pages are played by a stand-in, and the user's part through the machine's screen.")
public final class DemoVerb implements Verb {
    private static final String USER = "demo-user";

    @Option(
            names = "--provider",
            description = "demo (a small tool of ours) or codex (the real one) (default: ${DEFAULT-VALUE})")
    private String provider = "demo";

    @Option(names = "--json", description = "print one JSON object as the last line")
    private boolean json;

    @Option(names = "--by-hand", description = "only serve, on port 4000: you sign in and press the button yourself")
    private boolean byHand;

    @Mixin
    private MachineOptions machineOptions = new MachineOptions();

    @Mixin
    private AheadOptions aheadOptions = new AheadOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        long began = System.nanoTime();
        Map<String, Long> phases = new LinkedHashMap<>();
        phases.put("install", fromLauncher("SALLYPORT_INSTALL_MS"));
        phases.put("build", fromLauncher("SALLYPORT_BUILD_MS"));
        Folders folders = Folders.ofThisProcess();
        Progress progress = Progress.onStandardError();
        Images.ensure(folders, progress);
        phases.put("image", millisSince(began));
        Path place = Files.createDirectories(folders.cache().resolve("demo"));
        long serveBegan = System.nanoTime();
        try (Stage stage = Stage.open(
                folders,
                place.resolve("data"),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), byHand ? 4000 : 0),
                settings -> aheadOptions.applyTo(machineOptions.applyTo(settings)))) {
            if (byHand) {
                return serve(stage, progress);
            }
            phases.put("serve", millisSince(serveBegan));
            long templatesBegan = System.nanoTime();
            progress.line("Templates of the machines are made, once for each image ...");
            stage.awaitTemplates();
            phases.put("templates", millisSince(templatesBegan));
            Path picture = place.resolve("approval-" + provider + ".png");
            SignIn signIn =
                    SignIn.run(stage, USER, provider, picture, event -> progress.line(SessionFollower.line(event)));
            // By a boot, from a template, or claimed from the pool.
            long boot = signIn.at("session.vm_created");
            long opened = signIn.at("session.awaiting_user");
            long signedIn = signIn.at("session.transferring");
            long completed = signIn.at("session.completed");
            phases.put("browser machine", boot);
            phases.put("sign-in page", opened - boot);
            phases.put("sign-in", signedIn - opened);
            phases.put("hand-over", completed - signedIn);
            return report(signIn, phases, picture, began, progress);
        }
    }

    private int report(SignIn signIn, Map<String, Long> phases, Path picture, long began, Progress progress)
            throws IOException {
        if (signIn.completed()) {
            progress.line("");
            progress.line("The approval page: " + picture);
            phases.forEach((name, millis) -> progress.line("  %-14s %9s".formatted(name, Progress.duration(millis))));
            progress.line("");
            System.out.println(signIn.proof());
        } else {
            System.err.println("sallyport: the sign-in ended as "
                    + signIn.session().path("status").asText() + ": "
                    + signIn.session().path("error_message").asText());
            signIn.session().path("cause").path("evidence").forEach(line -> System.err.println("  | " + line.asText()));
        }
        String whole = asJson(signIn, phases, picture, millisSince(began));
        // Kept, so that a change can be compared with what was before it.
        Files.writeString(picture.resolveSibling("last-" + provider + ".json"), whole + "\n");
        if (json) {
            System.out.println(whole);
        }
        return signIn.completed() ? 0 : 1;
    }

    private String asJson(SignIn signIn, Map<String, Long> phases, Path picture, long total) throws IOException {
        var mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode()
                .put("status", signIn.session().path("status").asText())
                .put("provider", provider)
                .put("total_ms", total + fromLauncher("SALLYPORT_INSTALL_MS") + fromLauncher("SALLYPORT_BUILD_MS"));
        ArrayNode timeline = root.putArray("timeline");
        signIn.timeline()
                .forEach(event -> timeline.addObject()
                        .put("step", event.path("step").asText())
                        .put("at_ms", event.path("at_ms").asLong()));
        root.put("proof", signIn.proof());
        ObjectNode times = root.putObject("phases");
        phases.forEach((name, millis) -> times.put(name.replaceAll("[ -]", "_") + "_ms", millis));
        root.put("screenshot", picture.toString());
        return mapper.writeValueAsString(root);
    }

    private static int serve(Stage stage, Progress progress) throws IOException, InterruptedException {
        String token =
                Files.readString(stage.folders().data().resolve("admin-token")).strip();
        progress.line("Open this page, start a sign-in to 'demo', and press Approve in its screen:");
        System.out.println(stage.address() + "/#token=" + token);
        progress.line("Ctrl-C ends it, and removes everything but caches.");
        new CountDownLatch(1).await(); // Until the process is told to end, which closes the stage.
        return 0;
    }

    private static long fromLauncher(String variable) {
        String value = System.getenv(variable);
        return value == null ? 0 : Long.parseLong(value);
    }

    private static long millisSince(long began) {
        return (System.nanoTime() - began) / 1_000_000;
    }
}
