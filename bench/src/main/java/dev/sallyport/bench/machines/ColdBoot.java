package dev.sallyport.bench.machines;

import dev.sallyport.machine.Console;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.Readiness;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What each second of a cold boot goes to, told by the machine's own console. */
final class ColdBoot {
    /** A phase of a boot and the line that ends it. */
    private enum Phase {
        KERNEL_AND_INITRAMFS("kernel and initramfs, to the assembled root", "sallyport-initramfs: root file system of"),
        SYSTEMD("systemd's own start", "running in system mode"),
        UNITS("units are read, the boot is planned", "Queued start job for default target"),
        AGENT_STARTED("the agent's process begins", "Started sallyport-agent.service"),
        JVM("its JVM comes up", "sallyport-agent: start: facts read"),
        LISTENING("the agent listens", "sallyport-agent: start: listening on"),
        DISPLAY("the display is up", "sallyport-agent: the display is up"),
        CHROMIUM("Chromium has loaded its page", "sallyport-agent: Chromium is up");

        private final String text;
        private final String line;

        Phase(String text, String line) {
            this.text = text;
            this.line = line;
        }
    }

    private static final Duration BOOT = Duration.ofMinutes(2);
    private static final String HYPERVISOR = "network, disks, hypervisor";
    private static final String ANSWER = "the agent's first answer";

    private final Map<String, List<Long>> steps = new LinkedHashMap<>();

    /**
     * Adds a boot.
     *
     * @param began when it was asked for
     * @param machine just started
     * @return from {@code began} to the agent's first answer
     */
    Duration add(Instant began, Machine machine) throws InterruptedException {
        Instant started = Instant.now();
        VmType type = machine.spec().type();
        Phase last = type == VmType.BROWSER ? Phase.CHROMIUM : Phase.LISTENING;
        Map<Phase, Instant> seen = new ConcurrentHashMap<>();
        var all = new CompletableFuture<Boolean>();
        Instant answered;
        Console.Following following = machine.console().follow((at, line) -> {
            for (Phase phase : Phase.values()) {
                if (line.contains(phase.line)) {
                    seen.putIfAbsent(phase, at);
                }
            }
            if (seen.containsKey(last)) {
                all.complete(true);
            }
        });
        try {
            Readiness.await(machine, new HttpHealthProbe(), BOOT);
            answered = Instant.now();
            all.get(BOOT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the console did not tell of " + last, e);
        } finally {
            following.close();
        }
        put(HYPERVISOR, began, started);
        Instant from = started;
        for (Phase phase : Phase.values()) {
            Instant at = seen.get(phase);
            if (at == null || phase.compareTo(last) > 0) {
                continue;
            }
            put(phase.text, from, at);
            from = at;
            if (phase == Phase.LISTENING) {
                put(ANSWER, from, answered);
                from = answered.isAfter(from) ? answered : from;
            }
        }
        return Duration.between(began, answered);
    }

    private void put(String step, Instant from, Instant to) {
        steps.computeIfAbsent(step, _ -> new ArrayList<>())
                .add(Math.max(0, Duration.between(from, to).toMillis()));
    }

    /** Lines of a Markdown table: each step's median in milliseconds and its share of the whole. */
    List<String> table() {
        var medians = new LinkedHashMap<String, Long>();
        steps.forEach((step, values) ->
                medians.put(step, values.stream().sorted().toList().get(values.size() / 2)));
        long whole =
                Math.max(1, medians.values().stream().mapToLong(each -> each).sum());
        var lines = new ArrayList<>(List.of("| step | ms | share |", "|---|---:|---:|"));
        medians.forEach((step, millis) ->
                lines.add("| " + step + " | " + millis + " | " + Math.round(100.0 * millis / whole) + " % |"));
        lines.add("| **all** | **" + whole + "** | |");
        return lines;
    }
}
