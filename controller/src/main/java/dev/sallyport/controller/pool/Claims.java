package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.Health;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.pool.Machines.Running;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.image.Image;
import dev.sallyport.machine.HealthProbe;
import dev.sallyport.machine.HealthProbe.Answer;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives machines that are kept ready to users, each to one. */
final class Claims {
    private static final Logger LOG = LoggerFactory.getLogger(Claims.class);
    /** An agent that has been up for a while answers at once, or not at all. */
    private static final Duration AN_ANSWER = Duration.ofMillis(750);

    private final Machines machines;
    private final MachineStore store;
    private final Specs specs;
    private final HostId host;
    private final HealthProbe probe = new HttpHealthProbe();
    /** Those whose fate is being decided: given to somebody, or ended. */
    private final Set<MachineId> taken = ConcurrentHashMap.newKeySet();

    Claims(Machines machines, MachineStore store, Specs specs, HostId host) {
        this.machines = machines;
        this.store = store;
        this.specs = specs;
        this.host = host;
    }

    /**
     * Gives {@code user} a machine that is kept ready, if there is one whose agent answers.
     *
     * @param place the user's room, which becomes the machine's
     * @throws dev.sallyport.model.FailureException CONFLICT when the session that it is for has ended
     */
    Optional<LiveMachine> claim(MachineRequest request, UserId user, Place place) throws InterruptedException {
        List<Running> ready = ready(request.type());
        if (ready.isEmpty()) {
            return Optional.empty();
        }
        Image image = specs.image(request.type());
        for (Running one : ready) {
            MachineId id = one.live().id();
            if (one.live().machine().spec().image().id().equals(image.id()) && taken.add(id)) {
                try {
                    Optional<LiveMachine> given = claim(one, request, user, place);
                    if (given.isPresent()) {
                        return given;
                    }
                } finally {
                    taken.remove(id);
                }
            }
        }
        return Optional.empty();
    }

    private Optional<LiveMachine> claim(Running one, MachineRequest request, UserId user, Place place)
            throws InterruptedException {
        MachineId id = one.live().id();
        if (!answers(one)) {
            LOG.warn("Machine {} was kept ready, and does not answer", id);
            machines.endAside(id, "its agent did not answer when a user was to get it");
            return Optional.empty();
        }
        if (store.claim(id, host, user, request.owner().session(), request.egress())
                .isEmpty()) {
            return Optional.empty();
        }
        one.record().serve(request);
        one.door().allow(request.egress());
        return machines.given(one, request.owner(), place);
    }

    /** It has proved once that it is itself; now it is to be alive. */
    private boolean answers(Running one) throws InterruptedException {
        return probe.ask(one.live().machine().agent(), AN_ANSWER) instanceof Answer.Healthy(Health health)
                && health.machineId().equals(one.live().id().value())
                && !health.status().equals(Health.TEMPLATE);
    }

    /** Those that are kept ready, the oldest first. */
    List<Running> ready(VmType type) {
        return machines.pooled().stream()
                .filter(one -> one.live().type() == type
                        && one.live().owner() instanceof Owner.Pool
                        && one.ready().isDone()
                        && !taken.contains(one.live().id()))
                .sorted(Comparator.comparing(Running::since))
                .toList();
    }

    /** Decides that a machine is to end, unless it is being given to somebody. */
    boolean take(MachineId id) {
        return taken.add(id);
    }

    /** It is gone. */
    void forget(MachineId id) {
        taken.remove(id);
    }
}
