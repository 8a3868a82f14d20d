package dev.sallyport.cli.doctor;

import dev.sallyport.cli.Progress;
import dev.sallyport.cli.Verb;
import dev.sallyport.controller.Settings;
import dev.sallyport.machine.qemu.QemuHost;
import dev.sallyport.machine.qemu.QemuOptions;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./sallyport doctor}: checks this installation and says what to do. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = "Checks this installation, and says what is wrong with it and what to do.",
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {"0:nothing is broken; there may be warnings", "1:something is broken"})
public final class DoctorVerb implements Verb {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Option(names = "--host", description = "address that 'up' is to listen on (default: ${DEFAULT-VALUE})")
    private String host = "127.0.0.1";

    @Option(names = "--port", description = "port that 'up' is to listen on (default: ${DEFAULT-VALUE})")
    private int port = 4000;

    @Option(
            names = "--database",
            paramLabel = "URL",
            description = {
                "JDBC URL of a PostgreSQL server of your own, without credentials; also tried is whether it takes the role",
                "of SALLYPORT_DATABASE_USER with the password of SALLYPORT_DATABASE_PASSWORD"
            })
    private @Nullable String database;

    @Option(names = "--json", description = "the findings as JSON: an array of check, state, text, remedy")
    private boolean json;

    private final Folders folders;
    private final PrintStream out;

    /** Of this process's folders, telling on standard output. */
    public DoctorVerb() {
        this(Folders.ofThisProcess(), System.out);
    }

    DoctorVerb(Folders folders, PrintStream out) {
        this.folders = folders;
        this.out = out;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (port < 0 || port > 65_535) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "--port takes numbers from 0 to 65535.");
        }
        Report report = json ? new JsonReport(out) : new TextReport(out, Progress.onStandardError(), onATerminal());
        var qemu = new QemuHost(QemuOptions.defaults(folders.cache()));
        State worst = new Doctor(PATIENCE).run(checks(qemu), List.of(new LeftoversCheck(folders, qemu.root())), report);
        return worst == State.BROKEN ? 1 : 0;
    }

    private List<Check> checks(QemuHost qemu) {
        Settings settings = Settings.defaults(folders);
        var checks = new ArrayList<Check>(List.of(
                new Programs(),
                new Permissions(folders, qemu.root(), System.getProperty("user.name")),
                new KvmCheck(folders.cache(), image -> answer(qemu.kvm(image.kernel(), image.initramfs()))),
                new NetworkCheck(qemu.root(), () -> answer(qemu.taps())),
                new PortCheck(host, port),
                new DiskCheck(folders),
                new MemoryCheck(settings.browser(), settings.cli()),
                new FilesCheck(),
                new ClockCheck(folders.cache())));
        if (database == null) {
            checks.add(new DatabaseCheck(folders));
        } else {
            checks.add(server(database));
        }
        checks.add(new ImagesCheck(folders.cache()));
        return checks;
    }

    private static Answer answer(QemuHost.Answer answer) {
        return new Answer(answer.usable(), answer.reason());
    }

    private static ServerCheck server(String url) {
        if (!url.startsWith("jdbc:postgresql:")) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST,
                    "--database takes a URL such as jdbc:postgresql://db.example:5432/sallyport.");
        }
        if (url.toLowerCase(Locale.ROOT).contains("password=") || url.contains("@")) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST,
                    "Arguments are seen by everybody: the password goes into SALLYPORT_DATABASE_PASSWORD, not into the URL.");
        }
        return new ServerCheck(
                url,
                variable("SALLYPORT_DATABASE_USER"),
                variable("SALLYPORT_DATABASE_PASSWORD").map(Secret::of));
    }

    private static Optional<String> variable(String name) {
        return Optional.ofNullable(System.getenv(name)).filter(value -> !value.isBlank());
    }

    private static boolean onATerminal() {
        return Progress.isTerminal(1) && variable("NO_COLOR").isEmpty();
    }
}
