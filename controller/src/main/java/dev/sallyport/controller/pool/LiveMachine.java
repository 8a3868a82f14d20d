package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.Health;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.machine.Machine;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A machine whose agent answers.
 *
 * @param owner whose it is
 * @param machine the driver's handle
 * @param agent speaks to its agent with its token
 * @param egress what it wanted of the world and did not get
 * @param adoptedAt when it was taken over from a controller that had ended; null for one that was started by this one
 */
public record LiveMachine(
        Owner owner,
        Machine machine,
        AgentClient agent,
        EgressTroubles egress,
        @Nullable Instant adoptedAt) {
    /** While it had no controller it had no way out either; its agent looks again every ten seconds. */
    private static final Duration STALE = Duration.ofSeconds(15);

    /** The part of its health that tells of its way out. */
    static final String WAY_OUT = "egress";

    /** What its agent says of its way out: {@code ok}, {@code failed} with the reason, or empty when it does not know yet. */
    public String wayOut(Health health) {
        return fresh(health).parts().getOrDefault(WAY_OUT, "");
    }

    /** {@code answer}, but for what may tell of the time before it was taken over. */
    Answer withoutStaleFailures(Answer answer) {
        return answer instanceof Answer.Healthy healthy ? new Answer.Healthy(fresh(healthy.health())) : answer;
    }

    private Health fresh(Health health) {
        String told = health.parts().getOrDefault(WAY_OUT, "");
        if (adoptedAt == null || !told.startsWith("failed") || Instant.now().isAfter(adoptedAt.plus(STALE))) {
            return health;
        }
        Map<String, String> parts = new HashMap<>(health.parts());
        parts.remove(WAY_OUT);
        return new Health(
                health.status(),
                health.timestamp(),
                health.activeSessions(),
                health.version(),
                health.machineId(),
                parts);
    }

    /** The same for another owner, of whom {@code troubles} tells. */
    LiveMachine of(Owner other, EgressTroubles troubles) {
        return new LiveMachine(other, machine, agent, troubles, adoptedAt);
    }

    public MachineId id() {
        return machine.spec().id();
    }

    public VmType type() {
        return machine.spec().type();
    }
}
