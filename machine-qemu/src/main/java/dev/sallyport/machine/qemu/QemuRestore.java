package dev.sallyport.machine.qemu;

import dev.sallyport.machine.FactsDisk;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Lets a fresh QEMU go on from a template: it takes the devices' state from its own input, {@link QemuTemplate#STATE}, runs, and its guest is told on its
 * console who it is now.
 */
final class QemuRestore {
    /** The memory is mapped from its file, and is no part of what is transferred; QEMU tells how that comes along. */
    static final Map<String, ?> CAPABILITIES = Map.of(
            "capabilities",
            List.of(
                    Map.of("capability", "x-ignore-shared", "state", true),
                    Map.of("capability", "events", "state", true)));

    /** QEMU's input, as what it takes a state from. */
    private static final String INPUT = "fd:0";

    private static final int SEED_BYTES = 32;

    private static final Duration COMMAND = Duration.ofSeconds(20);

    private final Path consoleInput;
    private final Guard guard;
    private final Map<String, String> facts;

    /**
     * @param consoleInput the named pipe to the guest's console
     * @param guard of its network
     * @param facts who it is
     */
    QemuRestore(Path consoleInput, Guard guard, Map<String, String> facts) {
        this.consoleInput = consoleInput;
        this.guard = guard;
        this.facts = facts;
    }

    /**
     * Has QEMU take the state that is its input. Its guest stands still afterwards, as long as it may.
     *
     * @param exit completes when QEMU ends, which it does where it does not like a state
     * @throws FailureException {@code TEMPLATE_UNUSABLE} when QEMU refuses it, or is not done in time
     * @throws IOException when QEMU ends, or does not answer
     */
    static void load(QmpClient qmp, QemuMachine.Events events, CompletableFuture<Integer> exit)
            throws IOException, InterruptedException {
        CompletableFuture<String> outcome = events.migration();
        qmp.execute("migrate-set-capabilities", CAPABILITIES, COMMAND);
        qmp.execute("migrate-incoming", Map.of("uri", INPUT), COMMAND);
        try {
            CompletableFuture.anyOf(outcome, exit).get(COMMAND.toNanos(), TimeUnit.NANOSECONDS);
            if (!outcome.isDone()) {
                throw new IOException("QEMU ended while it took the template's state");
            }
            if (!outcome.get().equals("completed")) {
                throw QemuTemplate.unusable("QEMU did not take its state.", "migration " + outcome.get());
            }
        } catch (TimeoutException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.TEMPLATE_UNUSABLE,
                            "QEMU did not take its state in " + COMMAND.toSeconds() + " s.",
                            e.toString()),
                    e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("completed with values alone", e);
        }
    }

    /**
     * Lets the guest go on.
     *
     * @throws FailureException {@code TEMPLATE_UNUSABLE} when its network is not guarded
     * @throws IOException when QEMU does not answer
     */
    void goOn(QmpClient qmp) throws IOException, InterruptedException {
        try {
            guard.await();
        } catch (TapNetworks.RefusedException e) {
            throw QemuTemplate.withoutTap(e);
        }
        qmp.execute("cont", Map.of(), COMMAND);
        tell();
    }

    /** The guest's clock stands where the template's stood: the time is the last that is put in. */
    private void tell() throws IOException {
        Map<String, String> told = new HashMap<>(facts);
        // Random numbers of its own: all else that it could draw some from is the same in each machine of this
        // template.
        told.put("seed", Secret.random(SEED_BYTES).sha256());
        told.put("time_ms", Long.toString(System.currentTimeMillis()));
        ByteBuffer text = ByteBuffer.wrap(FactsDisk.text(told).getBytes(StandardCharsets.UTF_8));
        try (FileChannel console = FileChannel.open(consoleInput, StandardOpenOption.WRITE)) {
            while (text.hasRemaining()) {
                console.write(text);
            }
        }
    }
}
