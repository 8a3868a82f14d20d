package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.Health;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.image.Image;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.model.FailureException;
import java.time.Duration;

/** The wait for the agent of a machine that began from a template, and whether it has answered as itself. */
final class CloneWait {
    private final LiveMachine live;
    private final Duration atMost;
    private volatile boolean itself;

    CloneWait(LiveMachine live, Duration atMost) {
        this.live = live;
        this.atMost = atMost;
    }

    /** @throws FailureException with the cause when it does not answer as it should */
    Health answer(Image image, MachineTimeline.Recorder record, long began, MachineStore store)
            throws InterruptedException {
        return new AgentWait(store, atMost, this::heard).answer(live, image, record, began);
    }

    private void heard(Answer answer) {
        if (answer instanceof Answer.Healthy(Health health)
                && health.machineId().equals(live.id().value())
                && !health.status().equals(Health.TEMPLATE)) {
            itself = true;
        }
    }

    /** Whether it has said who it is: what it lacks then is not for want of a template. */
    boolean isItself() {
        return itself;
    }
}
