package dev.sallyport.machine;

import dev.sallyport.image.Image;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A machine that is played by its test. */
final class FakeMachine implements Machine {
    static final MachineId ID = new MachineId("m-abcdefghijkl");

    private final MachineSpec spec;
    private final SpooledConsole console;
    private final int port;
    private final AtomicReference<@Nullable Pulse> pulse = new AtomicReference<>();
    private final CompletableFuture<MachineExit> exit = new CompletableFuture<>();

    FakeMachine(Path folder, int port) throws IOException {
        this.port = port;
        this.console = new SpooledConsole(folder.resolve("console.log"));
        var image = new Image("", "cli", Instant.EPOCH, folder, folder, List.of(), List.of());
        this.spec = new MachineSpec(
                ID,
                VmType.CLI,
                image,
                256,
                1,
                1,
                folder,
                Map.of(),
                (address, any) -> new InetSocketAddress(address, any));
    }

    /** What its host sees of its processors from now on; null for nothing. */
    void pulse(@Nullable Pulse seen) {
        pulse.set(seen);
    }

    void says(String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        console.append(bytes, 0, bytes.length);
    }

    void ends(MachineExit.Kind kind, int code, String... evidence) {
        console.close();
        exit.complete(new MachineExit(kind, code, List.of(evidence)));
    }

    @Override
    public MachineSpec spec() {
        return spec;
    }

    @Override
    public InetSocketAddress agent() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    @Override
    public InetSocketAddress streams() {
        return agent();
    }

    @Override
    public Console console() {
        return console;
    }

    @Override
    public String handle() {
        return "{}";
    }

    @Override
    public OptionalLong residentBytes() {
        return OptionalLong.empty();
    }

    @Override
    public Optional<Pulse> pulse() {
        return Optional.ofNullable(pulse.get());
    }

    @Override
    public Optional<MachineExit> exit() {
        return Optional.ofNullable(exit.getNow(null));
    }

    @Override
    public Optional<MachineExit> awaitExit(Duration atMost) throws InterruptedException {
        try {
            return Optional.of(exit.get(atMost.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public List<String> destroy() {
        ends(MachineExit.Kind.DESTROYED, 0);
        return List.of();
    }

    @Override
    public void leave() {
        console.close();
    }
}
