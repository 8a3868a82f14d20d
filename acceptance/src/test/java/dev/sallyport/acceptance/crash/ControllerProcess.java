package dev.sallyport.acceptance.crash;

import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import dev.sallyport.model.StepHook;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A controller in a process of its own, which can be killed. Its arguments are {@code name=value}; on standard output it says one
 * line, {@code READY} and its address, when it serves.
 */
final class ControllerProcess {
    /** The sign-in's own steps are what is counted, not those of machines that nobody has asked for yet. */
    private static final Settings.Ahead NOTHING_AHEAD = new Settings.Ahead(false, 0, 0, 0, 0, Duration.ZERO);

    private ControllerProcess() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (String argument : arguments) {
            given.put(argument.substring(0, argument.indexOf('=')), argument.substring(argument.indexOf('=') + 1));
        }
        var folders = new Folders(Path.of(given.get("cache")), Path.of(given.get("data")), Path.of(given.get("home")));
        Settings.Timing timing = Settings.Timing.DEFAULTS;
        if (given.containsKey("lease_ms")) {
            timing = timing.lease(Duration.ofMillis(Long.parseLong(given.get("lease_ms"))));
        }
        if (given.containsKey("grace_ms")) {
            Duration grace = Duration.ofMillis(Long.parseLong(given.get("grace_ms")));
            timing = timing.graces(grace, grace, timing.graceAtMost());
        }
        Settings settings = Settings.defaults(folders)
                .with(Settings.Accelerator.TCG, Settings.Network.valueOf(given.getOrDefault("network", "AUTO")))
                .with(timing)
                .with(given.containsKey("ahead") ? Settings.Ahead.DEFAULTS : NOTHING_AHEAD)
                .listeningOn(address(given.getOrDefault("listen", "127.0.0.1:0")));
        if (given.containsKey("proxy")) {
            settings = settings.goingOutThrough(
                    address(given.get("proxy")), Optional.of(Files.readString(Path.of(given.get("authorities")))));
        }
        if (given.containsKey("database")) {
            settings = settings.sharing(
                    new DatabaseAccess(
                            given.get("database"),
                            new DatabaseAccess.Login(
                                    needed(given, "owner"), secret(needed(given, "owner_password_file"))),
                            new DatabaseAccess.Login(needed(given, "user"), secret(needed(given, "password_file")))),
                    given.getOrDefault("address", ""));
        }
        if (given.containsKey("on_exit")) {
            settings = settings.ending(Settings.OnExit.valueOf(given.get("on_exit")));
        }
        StepHook hook = given.containsKey("steps")
                ? new FirstVisits(
                        Path.of(given.get("steps")),
                        FirstVisits.Blow.valueOf(needed(given, "blow")).on(folders.data()))
                : StepHook.NONE;
        Controller.Fittings usual = Controller.Fittings.USUAL;
        Controller controller =
                Controller.start(settings, new Controller.Fittings(usual.driver(), hook, usual.memory()));
        Runtime.getRuntime().addShutdownHook(new Thread(controller::close));
        System.out.println("READY " + controller.address());
        Thread.currentThread().join();
    }

    private static String needed(Map<String, String> given, String name) {
        return Objects.requireNonNull(given.get(name), name);
    }

    private static Secret secret(String file) throws Exception {
        return Secret.of(Files.readString(Path.of(file)).strip());
    }

    private static InetSocketAddress address(String text) throws Exception {
        int colon = text.lastIndexOf(':');
        return new InetSocketAddress(
                InetAddress.getByName(text.substring(0, colon)), Integer.parseInt(text.substring(colon + 1)));
    }
}
