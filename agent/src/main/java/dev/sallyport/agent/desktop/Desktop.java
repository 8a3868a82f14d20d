package dev.sallyport.agent.desktop;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.agent.Authorities;
import dev.sallyport.agent.CurrentFacts;
import dev.sallyport.agent.Log;
import dev.sallyport.agent.Parts;
import dev.sallyport.agent.Settings;
import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.Child;
import dev.sallyport.agent.linux.Launch;
import dev.sallyport.agent.linux.OutputListener;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.agent.signin.Browser;
import dev.sallyport.agent.signin.ToolOutput;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The machine's desktop: Xvnc (X server and RFB server in one), openbox and Chromium with one window. They are started with
 * the agent, so that they are warm when a sign-in comes, and started again when they end, a few times.
 */
public final class Desktop implements Browser, AutoCloseable {
    /** The part of Xvnc and openbox. */
    public static final String DESKTOP = "desktop";
    /** The part of Chromium and its page. */
    public static final String CHROMIUM = "chromium";

    private static final int MAX_STARTS = 5;
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration GRACE = Duration.ofSeconds(2);

    /** Under emulation all of this takes twenty times as long as it should. */
    private static final Duration X_LIMIT = Duration.ofSeconds(60);

    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(30);

    private static final Duration PAGE_LIMIT = Duration.ofMinutes(3);

    private static final String WINDOW_MANAGER = "openbox";

    private static final String MARKER = "SALLYPORT_PART";

    private final Settings settings;
    private final CurrentFacts facts;
    private final Processes processes;
    private final Optional<Account> account;
    private final Parts parts;
    private final Log log;
    private final Path folder;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final List<Thread> supervisors = new ArrayList<>();
    private final Object lock = new Object();
    private CompletableFuture<Boolean> display = new CompletableFuture<>();
    private @Nullable Wanted wanted;
    private @Nullable Page page;

    /** What is to be shown, and who wants to know whether it was. */
    private record Wanted(String url, Consumer<Optional<Cause>> told) {}

    /** The browser's one window. */
    private record Page(DevTools devTools, String session) {}

    /**
     * Prepares it.
     *
     * @throws IOException when its files cannot be written
     */
    public Desktop(
            Settings settings,
            CurrentFacts facts,
            Processes processes,
            Optional<Account> account,
            Authorities authorities,
            Parts parts,
            Log log)
            throws IOException {
        this.settings = settings;
        this.facts = facts;
        this.processes = processes;
        this.account = account;
        this.parts = parts;
        this.log = log;
        folder = settings.run().resolve("desktop");
        parts.set(DESKTOP, Parts.STARTING);
        parts.set(CHROMIUM, Parts.STARTING);
        makeFolder();
        ChromiumPolicies.write(settings.policies(), authorities.certificates());
    }

    /** Starts it. */
    public void start() {
        supervise(DESKTOP, this::runDisplay);
        supervise(WINDOW_MANAGER, this::runWindowManager);
        supervise(CHROMIUM, this::runChromium);
    }

    /**
     * A connection to the screen's RFB server.
     *
     * @throws FailureException CONFLICT while there is no screen
     */
    public SocketChannel openScreen() throws IOException {
        Path socket = screen();
        if (!Files.exists(socket)) {
            throw FailureException.of(CauseCode.CONFLICT, "The screen is not up yet.");
        }
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    /** Shows {@code target}, at once when the browser is up, else as soon as it is. */
    @Override
    public void open(String target, Consumer<Optional<Cause>> told) {
        var asked = new Wanted(target, told);
        Page shown;
        synchronized (lock) {
            wanted = asked;
            shown = page;
        }
        if (shown != null) {
            navigate(shown, asked);
        }
    }

    /**
     * Opens a page as a sign-in does, but for Chromium: opening one would keep that busy for long.
     *
     * @throws IOException never: what is rehearsed could
     * @throws InterruptedException when the calling thread is interrupted
     */
    public static void rehearse() throws IOException, InterruptedException {
        var _ = new PageLoad(to -> "", "about:blank").run(() -> true);
    }

    @Override
    public void close() {
        closed.countDown();
        supervisors.forEach(Thread::interrupt);
        boolean interrupted = false;
        for (Thread supervisor : supervisors) {
            try {
                supervisor.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Path screen() {
        return folder.resolve("screen");
    }

    private XCookie cookie() {
        return new XCookie(folder.resolve("xauthority"), settings.display());
    }

    private Path openboxConfiguration() {
        return folder.resolve("openbox.xml");
    }

    private void makeFolder() throws IOException {
        Files.createDirectories(folder);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        cookie().renew(give());
        try (var in = Desktop.class.getResourceAsStream("openbox.xml")) {
            if (in == null) {
                throw new IOException("openbox.xml is not among the agent's resources");
            }
            Files.write(openboxConfiguration(), in.readAllBytes());
        }
        if (account.isPresent()) {
            for (Path path : List.of(folder, openboxConfiguration())) {
                processes.give(path, account.get());
            }
        }
    }

    /**
     * Replaces the secret that lets programs connect to the display. Those that have are not disturbed.
     *
     * @throws IOException when it cannot be written
     */
    public void renewCookie() throws IOException {
        cookie().renew(give());
    }

    /**
     * Has Chromium answer anew, where it was up: until it has, its part is {@code starting}. A clone of a machine whose Chromium was up
     * does not know whether its own is.
     */
    public void askChromium() {
        Page shown;
        synchronized (lock) {
            shown = page;
        }
        if (shown == null) {
            return; // It comes up, and that tells.
        }
        parts.set(CHROMIUM, Parts.STARTING);
        Thread.ofVirtual().name("ask Chromium").start(() -> {
            try {
                DevTools devTools = shown.devTools();
                devTools.call("Browser.getVersion", devTools.parameters(), ANSWER_LIMIT);
                parts.set(CHROMIUM, Parts.OK);
            } catch (IOException e) {
                if (isShown(shown)) {
                    parts.fail(CHROMIUM, "it does not answer: " + e.getMessage());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // The agent ends.
            }
        });
    }

    private boolean isShown(Page one) {
        synchronized (lock) {
            return one.equals(page);
        }
    }

    private XCookie.Giving give() {
        return path -> {
            if (account.isPresent()) {
                processes.give(path, account.get());
            }
        };
    }

    /** One life of a part, from its start to its end. */
    @FunctionalInterface
    private interface Life {
        /** Lives, and says how it ended. */
        String live() throws IOException, InterruptedException;
    }

    private void supervise(String part, Life life) {
        supervisors.add(Thread.ofVirtual().name(part).start(() -> {
            try {
                String end = "";
                // Each life is a whole one; what ends five times will end a sixth time.
                for (int i = 0; i < MAX_STARTS; i++) {
                    try {
                        end = life.live();
                    } catch (IOException e) {
                        end = String.valueOf(e.getMessage());
                    }
                    if (closed.getCount() == 0) {
                        return;
                    }
                    log.line(part + " ended: " + end);
                    if (closed.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                        return;
                    }
                }
                parts.fail(part.equals(CHROMIUM) ? CHROMIUM : DESKTOP, end);
                if (part.equals(DESKTOP)) {
                    display().complete(false);
                }
            } catch (InterruptedException e) {
                // Closing interrupts; nothing is left to be done.
                Thread.currentThread().interrupt();
            }
        }));
    }

    /** What tells a part's processes from all others, also those that leave its process group, as Chromium's crash handler does. */
    private String marker(String part) {
        return MARKER + "=" + folder + "/" + part;
    }

    private Child start(String part, List<String> command, Launch.Streams streams, OutputListener output)
            throws IOException {
        var environment = new TreeMap<String, String>();
        environment.put("HOME", settings.desktopHome().toString());
        environment.put("USER", account.map(Account::name).orElse("desktop"));
        environment.put("PATH", "/usr/bin:/bin");
        environment.put("LANG", "C.UTF-8");
        environment.put("DISPLAY", ":" + settings.display());
        environment.put("XAUTHORITY", cookie().file().toString());
        environment.put(MARKER, folder + "/" + part);
        return processes.start(
                new Launch(
                        Account.commandAs(account, command),
                        environment,
                        settings.desktopHome(),
                        streams,
                        part.equals(DESKTOP) ? Launch.SHOWN : Launch.USUAL),
                output);
    }

    /** Waits for the end of {@code child}, ends what it left, and tells how it ended. */
    private String awaitEnd(String part, Child child, ToolOutput output) throws InterruptedException {
        try {
            int exitCode = child.awaitExit();
            child.awaitOutput(GRACE);
            List<String> lines = output.lastLines();
            return "exit code " + exitCode + (lines.isEmpty() ? "" : ", " + lines.getLast());
        } finally {
            child.endAll(GRACE, marker(part));
        }
    }

    private static ToolOutput lastWords() {
        return new ToolOutput("", "", "", queries -> {});
    }

    private String runDisplay() throws IOException, InterruptedException {
        Files.deleteIfExists(screen());
        ToolOutput output = lastWords();
        Child child = start(
                DESKTOP,
                List.of(
                        settings.xvnc().toString(),
                        ":" + settings.display(),
                        "-displayfd",
                        "4",
                        "-auth",
                        cookie().file().toString(),
                        "-rfbport",
                        "-1",
                        "-rfbunixpath",
                        screen().toString(),
                        "-SecurityTypes",
                        "None",
                        "-AlwaysShared",
                        "-AcceptSetDesktopSize=0",
                        "-SendPrimary=0",
                        "-SetPrimary=0",
                        "-geometry",
                        "1280x720",
                        "-depth",
                        "24",
                        "-nolisten",
                        "tcp",
                        "-desktop",
                        "Sallyport"),
                new Launch.Streams.Control(),
                output);
        try {
            var ready = new CompletableFuture<Boolean>();
            // What it writes there is the display's number, once it takes connections.
            child.onControl((bytes, length) -> ready.complete(true));
            child.onEnd(() -> ready.complete(false));
            if (ready.get(X_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                log.line("the display is up");
                parts.set(DESKTOP, Parts.OK);
                display().complete(true);
            }
            return awaitEnd(DESKTOP, child, output);
        } catch (TimeoutException e) {
            return "it did not come up within " + X_LIMIT.toSeconds() + " s";
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes this exceptionally", e);
        } finally {
            synchronized (lock) {
                // Who waits for a display that has not come up waits on, for the next one.
                if (display.isDone()) {
                    display = new CompletableFuture<>();
                }
            }
            parts.set(DESKTOP, Parts.STARTING);
            child.endAll(GRACE, marker(DESKTOP));
        }
    }

    private CompletableFuture<Boolean> display() {
        synchronized (lock) {
            return display;
        }
    }

    private void awaitDisplay() throws IOException, InterruptedException {
        try {
            if (!display().get()) {
                throw new IOException("there is no display");
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes this exceptionally", e);
        }
    }

    private String runWindowManager() throws IOException, InterruptedException {
        awaitDisplay();
        ToolOutput output = lastWords();
        Child child = start(
                WINDOW_MANAGER,
                List.of(
                        "openbox",
                        "--sm-disable",
                        "--config-file",
                        openboxConfiguration().toString()),
                new Launch.Streams.Pipes(),
                output);
        return awaitEnd(WINDOW_MANAGER, child, output);
    }

    private String runChromium() throws IOException, InterruptedException {
        awaitDisplay();
        ToolOutput output = lastWords();
        Child child = start(
                CHROMIUM,
                ChromiumCommand.of(settings, facts.get(), settings.desktopHome().resolve(".sallyport-chromium")),
                new Launch.Streams.Control(),
                output);
        try {
            Page opened = openPage(child);
            log.line("Chromium is up");
            parts.set(CHROMIUM, Parts.OK);
            Wanted asked;
            synchronized (lock) {
                page = opened;
                asked = wanted;
            }
            if (asked != null) {
                navigate(opened, asked);
            }
            return awaitEnd(CHROMIUM, child, output);
        } finally {
            synchronized (lock) {
                page = null;
            }
            parts.set(CHROMIUM, Parts.STARTING);
            child.endAll(GRACE, marker(CHROMIUM));
        }
    }

    /** Waits until the window's first page has loaded. */
    private Page openPage(Child child) throws IOException, InterruptedException {
        var target = new CompletableFuture<String>();
        var loaded = new CompletableFuture<Boolean>();
        var devTools = new DevTools(child, (method, event) -> {
            switch (method) {
                case "Target.targetCreated" -> {
                    JsonNode info = event.path("targetInfo");
                    if (info.path("type").asText().equals("page")) {
                        target.complete(info.path("targetId").asText());
                    }
                }
                case "Page.loadEventFired" -> loaded.complete(true);
                default -> {}
            }
        });
        child.onEnd(() -> {
            var ended = new IOException("Chromium ended");
            target.completeExceptionally(ended);
            loaded.completeExceptionally(ended);
        });
        devTools.call("Target.setDiscoverTargets", devTools.parameters().put("discover", true), PAGE_LIMIT);
        String id = await(target, "a window");
        String session = devTools.call(
                        "Target.attachToTarget",
                        devTools.parameters().put("targetId", id).put("flatten", true),
                        PAGE_LIMIT)
                .path("sessionId")
                .asText();
        devTools.call(session, "Page.enable", devTools.parameters(), PAGE_LIMIT);
        String state = devTools.call(
                        session,
                        "Runtime.evaluate",
                        devTools.parameters().put("expression", "document.readyState"),
                        PAGE_LIMIT)
                .path("result")
                .path("value")
                .asText();
        if (!state.equals("complete")) {
            await(loaded, "its first page");
        }
        return new Page(devTools, session);
    }

    private static <T> T await(CompletableFuture<T> future, String what) throws IOException, InterruptedException {
        try {
            return future.get(PAGE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException("Chromium had not " + what + " within " + PAGE_LIMIT.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException("Chromium had not " + what + ": " + e.getMessage(), e);
        }
    }

    private void navigate(Page shown, Wanted asked) {
        var load = PageLoad.in(shown.devTools(), shown.session(), asked.url());
        Thread.ofVirtual().name("navigate").start(() -> {
            try {
                load.run(() -> isStillWanted(shown, asked) && closed.getCount() > 0)
                        .ifPresent(asked.told());
            } catch (IOException e) {
                // No word on the page: Chromium, not the page, has a problem, and the user may follow the URL
                // elsewhere.
                log.failure("Chromium does not open the page", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private boolean isStillWanted(Page shown, Wanted asked) {
        synchronized (lock) {
            return asked.equals(wanted) && shown.equals(page);
        }
    }
}
