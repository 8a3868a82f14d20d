package dev.sallyport.controller.template;

import dev.sallyport.agentapi.Health;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.Pulse;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The wait until a machine whose agent answers is fit to be a template: all of its parts are up, and nothing of it is at work any
 * more. Whatever it still did would be done again by each machine that begins from it.
 *
 * @param up how long all parts may take to come up
 * @param quiet how long it may take to come to rest then
 * @param look how long it is looked at for that
 */
public record Ripening(Duration up, Duration quiet, Duration look) {
    /** 3 minutes for its parts, 30 s to come to rest, looked at for a second. */
    public static final Ripening USUAL =
            new Ripening(Duration.ofMinutes(3), Duration.ofSeconds(30), Duration.ofSeconds(1));

    /** Its way out is another one for each machine, and is looked for again. */
    private static final String WAY_OUT = "egress";

    private static final Duration ONE_ANSWER = Duration.ofSeconds(4);
    private static final Duration BETWEEN = Duration.ofMillis(200);
    /** So much of a processor's time is rest. */
    private static final double REST = 0.1;

    /**
     * Waits.
     *
     * @param told of each step: its name and a sentence
     * @throws FailureException TEMPLATE_FAILED with what was seen last
     */
    void await(LiveMachine live, BiConsumer<String, String> told) throws InterruptedException {
        awaitParts(live);
        told.accept("parts_up", "All of its parts are up.");
        awaitRest(live.machine());
        told.accept("at_rest", "Nothing of it is at work any more.");
    }

    private void awaitParts(LiveMachine live) throws InterruptedException {
        var probe = new HttpHealthProbe();
        long deadline = System.nanoTime() + up.toNanos();
        while (true) {
            Answer answer = probe.ask(live.machine().agent(), ONE_ANSWER);
            if (answer instanceof Answer.Healthy(Health health) && isReady(health)) {
                return;
            }
            if (System.nanoTime() - deadline >= 0) {
                throw failure("Its parts were not all up within " + up.toSeconds() + " s.", lines(answer));
            }
            pause(live.machine(), BETWEEN);
        }
    }

    private static boolean isReady(Health health) {
        for (Map.Entry<String, String> part : health.parts().entrySet()) {
            if (part.getKey().equals(WAY_OUT)) {
                continue;
            }
            if (part.getValue().startsWith("failed")) {
                throw failure("A part of it failed.", List.of(part.getKey() + ": " + part.getValue()));
            }
            if (!part.getValue().startsWith("ok")) {
                return false;
            }
        }
        return health.status().equals(Health.TEMPLATE);
    }

    private static List<String> lines(Answer answer) {
        return List.of(
                answer instanceof Answer.Healthy(Health health)
                        ? "its agent says '" + health.status() + "', parts " + health.parts()
                        : answer.text());
    }

    private void awaitRest(Machine machine) throws InterruptedException {
        long deadline = System.nanoTime() + quiet.toNanos();
        while (true) {
            Optional<Pulse> before = machine.pulse();
            long from = System.nanoTime();
            pause(machine, look);
            Optional<Pulse> after = machine.pulse();
            if (before.isEmpty() || after.isEmpty()) {
                return; // Of a machine whose work cannot be seen it is not waited for.
            }
            double share =
                    (double) after.get().worked().minus(before.get().worked()).toNanos() / (System.nanoTime() - from);
            if (share < REST) {
                return;
            }
            if (System.nanoTime() - deadline >= 0) {
                throw failure(
                        "It did not come to rest within " + quiet.toSeconds() + " s.",
                        List.of("in the last " + look.toMillis() + " ms it used " + Math.round(share * 100)
                                + " % of a processor"));
            }
        }
    }

    /** Nothing announces what is waited for; the machine's own end is. */
    private static void pause(Machine machine, Duration time) throws InterruptedException {
        Optional<MachineExit> exit = machine.awaitExit(time);
        if (exit.isPresent()) {
            throw failure("It ended: " + exit.get().kind() + ".", exit.get().evidence());
        }
    }

    private static FailureException failure(String detail, List<String> evidence) {
        return new FailureException(new Cause(CauseCode.TEMPLATE_FAILED, detail, evidence));
    }
}
