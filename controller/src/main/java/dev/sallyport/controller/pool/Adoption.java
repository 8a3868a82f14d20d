package dev.sallyport.controller.pool;

import dev.sallyport.controller.pool.Machines.Running;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.Secret;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes over the machines that a controller before this one has left running, and undoes the others. */
final class Adoption {
    private static final Logger LOG = LoggerFactory.getLogger(Adoption.class);

    private final Machines machines;
    private final MachineDriver driver;
    private final ImageStore images;
    private final Specs specs;
    private final MachineStore store;
    private final ResourceStore resources;
    private final EgressGateway gateway;
    private final MachineTimeline timeline;
    private final AgentWait agents;
    private final LongAdder adopted = new LongAdder();
    private final LongAdder notAdopted = new LongAdder();

    Adoption(
            Machines machines,
            MachineDriver driver,
            ImageStore images,
            Specs specs,
            MachineStore store,
            ResourceStore resources,
            EgressGateway gateway,
            MachineTimeline timeline,
            AgentWait agents) {
        this.machines = machines;
        this.driver = driver;
        this.images = images;
        this.specs = specs;
        this.store = store;
        this.resources = resources;
        this.gateway = gateway;
        this.timeline = timeline;
        this.agents = agents;
    }

    long adopted() {
        return adopted.sum();
    }

    long notAdopted() {
        return notAdopted.sum();
    }

    /** All of them, side by side; those that were booting go on to after this has returned. */
    void restore(List<StoredMachine> all) {
        List<Thread> each = all.stream()
                .map(left -> Thread.ofVirtual().name("restore " + left.id()).start(() -> restore(left)))
                .toList();
        each.forEach(Machines::joinWhole);
    }

    private void restore(StoredMachine left) {
        try {
            Database.persevering(() -> {
                if (left.state() == MachineState.DESTROYING || left.state() == MachineState.LOST) {
                    machines.undo(left);
                } else if (left.handle() == null) {
                    machines.end(left.id(), "the controller ended before it ran");
                } else {
                    adopt(left, left.handle());
                }
            });
        } catch (RuntimeException e) {
            LOG.error("The machine {} could not be restored", left.id(), e);
        }
    }

    private void adopt(StoredMachine left, String handle) {
        Optional<Owner> owner = owner(left);
        // A machine that runs needs its image's files, not its record.
        Optional<Image> image =
                images.byId(left.imageId()).or(() -> images.current(left.type().wire()));
        if (owner.isEmpty() || image.isEmpty()) {
            machines.end(left.id(), "nobody needs it, or there is no image any more");
            return;
        }
        var request = new MachineRequest(left.type(), owner.get(), left.egress());
        MachineTimeline.Recorder record = timeline.of(left.id(), request);
        Secret token = store.agentToken(left.id());
        var door = new MachineDoor(gateway, left.id(), request.egress(), record);
        boolean taken = false;
        try {
            Optional<Machine> found = driver.adopt(
                    specs.of(left.id(), left.type(), image.get(), token, door),
                    handle,
                    resources.notUndone(left.id()).reversed(),
                    resources.ledger(left.id(), left.type()),
                    record);
            if (found.isEmpty()) {
                machines.end(left.id(), "it had ended when its controller came back");
                return;
            }
            Running running = machines.adopted(found.get(), owner.get(), token, door, record);
            taken = true;
            record.done("adopted", "The controller was started anew and has taken the machine over.", Map.of());
            comeUp(running, left, image.get());
        } catch (FailureException e) {
            machines.end(left.id(), "it could not be taken over: " + e.reason().code(), e.reason());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            (taken ? adopted : notAdopted).increment();
            if (!taken) {
                door.close();
            }
        }
    }

    /** Whose it is; empty for what is not worth taking over: a half-made template, and what was to be kept ready and is not yet. */
    private static Optional<Owner> owner(StoredMachine left) {
        return switch (left.purpose()) {
            case USER -> Optional.ofNullable(left.user()).map(user -> new Owner.User(user, left.session()));
            case POOL -> left.state() == MachineState.READY ? Optional.of(new Owner.Pool()) : Optional.empty();
            case TEMPLATE -> Optional.empty();
        };
    }

    /** An adopted machine is ready, or still boots. */
    private void comeUp(Running found, StoredMachine left, Image image) {
        if (left.state() == MachineState.READY) {
            machines.watch(found);
            return;
        }
        Thread.ofVirtual()
                .name("start of " + left.id())
                .start(() -> Database.persevering(() -> {
                    try {
                        agents.await(left.id(), found.live(), image, found.record(), System.nanoTime());
                        machines.watch(found);
                    } catch (FailureException e) {
                        found.record()
                                .done(
                                        "failed",
                                        e.reason().code().sentence(),
                                        e.reason().details());
                        machines.end(left.id(), "did not come up: " + e.reason().code(), e.reason());
                        found.ready().completeExceptionally(e);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
    }
}
