package dev.sallyport.controller.pool;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Origin;
import dev.sallyport.machine.Pulse;
import dev.sallyport.machine.Share;
import dev.sallyport.machine.SpooledConsole;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** A machine of nothing, with an agent of its own on a port of this host. */
public final class FakeMachine implements Machine {
    static final String MEMORY = "memory";

    private final FakeDriver driver;
    private final MachineSpec spec;
    private final SpooledConsole console;
    private final HttpServer agent;
    private final Supplier<List<String>> undo;
    private final CompletableFuture<MachineExit> ended = new CompletableFuture<>();
    private final AtomicInteger worked = new AtomicInteger();
    private volatile boolean silent;
    private volatile boolean left;
    /** How it was told to share its host, in order. */
    public final List<Share> shares = new CopyOnWriteArrayList<>();

    FakeMachine(FakeDriver driver, MachineSpec spec, Supplier<List<String>> undo) throws IOException {
        this.driver = driver;
        this.spec = spec;
        this.undo = undo;
        console = new SpooledConsole(spec.directory().resolve("console.log"));
        agent = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        agent.createContext("/health", this::health);
        agent.start();
    }

    /** Its agent says no more. */
    public void freeze() {
        silent = true;
    }

    /** It ends as if its hypervisor had crashed. */
    public void die() {
        agent.stop(0);
        console.close();
        ended.complete(new MachineExit(MachineExit.Kind.HYPERVISOR_FAILED, 1, List.of("fake: it died")));
    }

    private void health(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (silent) {
                return;
            }
            boolean clone = spec.origin() instanceof Origin.FromTemplate;
            boolean nobody = spec.origin() instanceof Origin.ForTemplate
                    || (clone && driver.clones == FakeDriver.Clones.STAY_TEMPLATES);
            String part = clone && driver.clones == FakeDriver.Clones.LACK_A_PART
                    ? "failed: no desktop"
                    : nobody ? driver.partOfTemplates : "ok";
            byte[] answer = """
                    {"status": "%s", "timestamp": "%s", "activeSessions": 0, "version": "fake", "machineId": "%s",
                     "parts": {"desktop": "%s", "egress": "ok"}}""".formatted(nobody ? "template" : "ok", Instant.now(), spec.id(), part)
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
        }
    }

    @Override
    public MachineSpec spec() {
        return spec;
    }

    @Override
    public InetSocketAddress agent() {
        return agent.getAddress();
    }

    @Override
    public InetSocketAddress streams() {
        return agent.getAddress();
    }

    @Override
    public SpooledConsole console() {
        return console;
    }

    @Override
    public String handle() {
        return spec.id().value();
    }

    /** Every look finds as much work done as the driver says. */
    @Override
    public Optional<Pulse> pulse() {
        return left
                ? Optional.empty()
                : Optional.of(new Pulse(
                        "",
                        driver.workBetweenLooks.multipliedBy(worked.incrementAndGet()),
                        Duration.ofMillis(System.nanoTime() / 1_000_000)));
    }

    @Override
    public OptionalLong residentBytes() {
        return OptionalLong.empty();
    }

    @Override
    public void take(Share share) {
        shares.add(share);
    }

    @Override
    public void snapshot() throws InterruptedException {
        if (!(spec.origin() instanceof Origin.ForTemplate(Path folder))) {
            throw new IllegalStateException(spec.id() + " was not started for a template");
        }
        Optional<FailureException> failure = Optional.ofNullable(driver.snapshotFailure);
        if (failure.isPresent()) {
            throw failure.get();
        }
        try {
            Files.writeString(folder.resolve(MEMORY), "of " + spec.id());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        driver.templates.incrementAndGet();
    }

    @Override
    public Optional<MachineExit> exit() {
        return left ? Optional.empty() : Optional.ofNullable(ended.getNow(null));
    }

    @Override
    public Optional<MachineExit> awaitExit(Duration atMost) throws InterruptedException {
        try {
            MachineExit exit = ended.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
            return left ? Optional.empty() : Optional.of(exit);
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public List<String> destroy() {
        if (left) {
            return List.of(spec.id() + " was left");
        }
        agent.stop(0);
        console.close();
        ended.complete(new MachineExit(MachineExit.Kind.DESTROYED, 0, List.of()));
        return undo.get();
    }

    @Override
    public void leave() {
        left = true;
    }

    /** It is in other hands again. */
    FakeMachine taken() {
        left = false;
        return this;
    }
}
