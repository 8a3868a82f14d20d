package dev.sallyport.cli;

import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.logs.LogRetention;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ./sallyport up}: serves the API and the page until it is interrupted. */
@Command(name = "up", mixinStandardHelpOptions = true, description = "Serves the API and the page until Ctrl-C.")
public final class UpVerb implements Verb {
    @Option(names = "--host", description = "address to listen on (default: ${DEFAULT-VALUE})")
    private String host = "127.0.0.1";

    @Option(names = "--port", description = "port to listen on; 0 takes any (default: ${DEFAULT-VALUE})")
    private int port = 4000;

    @Mixin
    private MachineOptions machineOptions = new MachineOptions();

    @Option(
            names = "--upstream-proxy",
            paramLabel = "HOST:PORT",
            description = "proxy that machines' traffic goes out through")
    private @Nullable String upstream;

    @Option(
            names = "--authorities",
            paramLabel = "FILE",
            description = "PEM certificates that machines trust besides Debian's")
    private @Nullable Path authorities;

    @Option(
            names = "--log-days",
            paramLabel = "N",
            description = "how long logs of machines and image builds are kept (default: ${DEFAULT-VALUE})")
    private long logDays = Settings.LOGS.age().toDays();

    @Option(
            names = "--log-mib",
            paramLabel = "N",
            description = "how much of them is kept in all, the newest (default: ${DEFAULT-VALUE})")
    private long logMib = Settings.LOGS.bytes() >> 20;

    @Option(
            names = "--on-exit",
            paramLabel = "end|leave",
            description =
                    "what becomes of sign-ins and machines when it is interrupted: they end, or they go on and the next"
                            + " 'up' takes them over (default: ${DEFAULT-VALUE})")
    private Settings.OnExit onExit = Settings.OnExit.END;

    @Option(
            names = "--keep-failed",
            paramLabel = "SECONDS",
            description = "how long the browser machine of a failed sign-in stays, for debugging (default: 0)")
    private long keepFailed;

    @Mixin
    private LimitOptions limits = new LimitOptions();

    @Mixin
    private AheadOptions ahead = new AheadOptions();

    @Mixin
    private DatabaseOptions database = new DatabaseOptions();

    @Override
    @SuppressWarnings(
            "AddressSelection") // The operator names one address; which of a name's several is up to their resolver.
    public Integer call() throws IOException, InterruptedException {
        Folders folders = Folders.ofThisProcess();
        Progress progress = Progress.onStandardError();
        Images.ensure(folders, progress);
        Settings settings = machineOptions
                .applyTo(Settings.defaults(folders))
                .listeningOn(new InetSocketAddress(host, port))
                .keeping(logs())
                .ending(onExit);
        settings = ahead.applyTo(limits.applyTo(settings));
        settings = database.applyTo(settings.with(settings.timing().keepingFailed(keepFailed())));
        if (upstream != null) {
            settings = settings.goingOutThrough(address(upstream), authorities());
        }
        Controller controller = Controller.start(settings);
        var ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            progress.line(
                    onExit == Settings.OnExit.END
                            ? "Ending sign-ins and machines ..."
                            : "Leaving sign-ins and machines to the next one ...");
            close(controller, progress);
            ended.countDown();
        }));
        progress.line("Sallyport serves at " + controller.address() + "/");
        progress.line(
                "The admin token is in " + controller.adminTokenFile() + "; './sallyport token' makes users' tokens.");
        progress.line("Ctrl-C ends it.");
        ended.await();
        return 0;
    }

    private void close(Controller controller, Progress progress) {
        try {
            controller.close();
            progress.line(
                    onExit == Settings.OnExit.END
                            ? "Ended; nothing is left running."
                            : "Ended; './sallyport up' takes over what still runs.");
        } catch (RuntimeException e) {
            Failures.print(e, System.err);
        }
    }

    private Duration keepFailed() {
        if (keepFailed < 0 || keepFailed > 86_400) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "--keep-failed takes 0 to 86400 seconds.");
        }
        return Duration.ofSeconds(keepFailed);
    }

    private LogRetention.Limits logs() {
        if (logDays < 1 || logDays > 36_500 || logMib < 1 || logMib > 1 << 30) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "--log-days and --log-mib take numbers from 1.");
        }
        return new LogRetention.Limits(Duration.ofDays(logDays), logMib << 20);
    }

    private Optional<String> authorities() throws IOException {
        return authorities == null ? Optional.empty() : Optional.of(Files.readString(authorities));
    }

    private static InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        try {
            return InetSocketAddress.createUnresolved(
                    text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        } catch (IllegalArgumentException | StringIndexOutOfBoundsException e) {
            throw new FailureException(
                    Cause.of(CauseCode.BAD_REQUEST, "--upstream-proxy takes HOST:PORT, such as 127.0.0.1:3128."), e);
        }
    }
}
