package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.Health;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.Machines.Running;
import dev.sallyport.controller.pool.Standbys.Waiting;
import dev.sallyport.controller.pool.TemplateSource.Found;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.MachineStore.NewMachine;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.Image;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Origin;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.Share;
import dev.sallyport.machine.Standby;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.Secret;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One machine's start, from its row to its agent's answer: from a template where there is one that fits, else by booting its image.
 * A user's machine that cannot begin from the template boots instead, in the same row.
 */
final class Starter {
    private static final Logger LOG = LoggerFactory.getLogger(Starter.class);

    /** A template's clone is there within this time, or is none that others should wait for. */
    private static final Duration A_TURN = Duration.ofSeconds(1);

    private static final Duration SETTLING = Duration.ofSeconds(5);

    private final Settings settings;
    private final MachineDriver driver;
    private final MachineStore store;
    private final ResourceStore resources;
    private final EgressGateway gateway;
    private final MachineTimeline timeline;
    private final Lease lease;
    private final Specs specs;
    private final AgentWait boots;
    private final TemplateSource templates;
    private final Machines machines;
    private final Turns turns = Turns.ofBoots();
    private final Turns clones = Turns.ofClones();

    Starter(
            Settings settings,
            MachineDriver driver,
            MachineStore store,
            ResourceStore resources,
            EgressGateway gateway,
            MachineTimeline timeline,
            Lease lease,
            Specs specs,
            AgentWait boots,
            TemplateSource templates,
            Machines machines) {
        this.settings = settings;
        this.driver = driver;
        this.store = store;
        this.resources = resources;
        this.gateway = gateway;
        this.timeline = timeline;
        this.lease = lease;
        this.specs = specs;
        this.boots = boots;
        this.templates = templates;
        this.machines = machines;
    }

    /** What one start works with. */
    private record Start(
            MachineId id,
            MachineRequest request,
            Image image,
            Secret token,
            MachineTimeline.Recorder record,
            MachineDoor door,
            MachineSpec spec,
            ResourceLedger ledger,
            long began) {}

    /**
     * @param waiting a hypervisor of that id to start it with, if that fits; else it is ended
     * @throws FailureException with the cause when it does not come up; it has been ended then
     */
    LiveMachine start(MachineId id, MachineRequest request, Optional<Waiting> waiting) throws InterruptedException {
        long began = System.nanoTime();
        Image image = specs.image(request.type());
        Lease.Term term = lease.term();
        term.mustHold();
        Secret token = Secret.random(32);
        MachineTimeline.Recorder record = timeline.of(id, request);
        var door = new MachineDoor(gateway, id, request.egress(), record);
        var start = new Start(
                id,
                request,
                image,
                token,
                record,
                door,
                specs.of(id, request.type(), image, token, door),
                guarded(id, request.type(), term),
                began);
        Found found = find(start);
        try {
            return start(start, found, fitting(waiting, image, found));
        } finally {
            if (found instanceof Found.Usable(Template template)) {
                template.close();
            }
        }
    }

    /** What does not fit goes before anything else is made in its folder. */
    private static Optional<Standby> fitting(Optional<Waiting> waiting, Image image, Found found) {
        if (waiting.isPresent()
                && found instanceof Found.Usable(Template template)
                && waiting.get().fits(image, template)) {
            return waiting.map(Waiting::standby);
        }
        waiting.ifPresent(unfit -> unfit.standby().close());
        return Optional.empty();
    }

    private LiveMachine start(Start start, Found found, Optional<Standby> standby) throws InterruptedException {
        MachineId id = start.id();
        store.begin(
                new NewMachine(
                        id,
                        start.request().type(),
                        start.request().owner().user().orElse(null),
                        start.request().owner().session(),
                        start.image().id(),
                        driver.name(),
                        start.token(),
                        lease.host(),
                        start.request().egress(),
                        start.request().owner().purpose()),
                told(start, found));
        try {
            specs.makeFolder(id);
            if (found instanceof Found.Usable(Template template)) {
                Optional<LiveMachine> restored = restored(start, template, standby);
                if (restored.isPresent()) {
                    return restored.get();
                }
            }
            return booted(start);
        } catch (FailureException e) {
            start.record()
                    .done("failed", e.reason().code().sentence(), e.reason().details());
            machines.end(id, "did not come up: " + e.reason().code(), e.reason());
            throw e;
        } catch (InterruptedException | RuntimeException e) {
            machines.end(id, "its start was given up");
            throw e;
        }
    }

    private Found find(Start start) throws InterruptedException {
        Found found = start.request().owner() instanceof Owner.Template
                ? new Found.None("it boots to be one")
                : fitting(start);
        if (found instanceof Found.None(String why) && start.request().owner() instanceof Owner.Pool) {
            throw FailureException.of(CauseCode.TEMPLATE_UNUSABLE, "There is none to begin from. " + why);
        }
        return found;
    }

    private Found fitting(Start start) throws InterruptedException {
        try {
            Optional<TemplateKey> key = driver.templateKey(start.spec());
            return key.isPresent() ? templates.find(start.request().type(), key.get()) : new Found.None("");
        } catch (FailureException e) {
            return new Found.None("it is not known what a template would have to fit: "
                    + e.reason().detail());
        }
    }

    /** Whence it begins; nothing where the driver makes no templates. */
    private static List<TimelineStore.Entry> told(Start start, Found found) {
        return switch (found) {
            case Found.Usable(Template template) ->
                start.record()
                        .entries(
                                "from_template",
                                "It begins from a template.",
                                Map.of("key", template.key().digest().substring(0, 12)));
            case Found.None(String why) ->
                why.isEmpty()
                        ? List.of()
                        : start.record().entries("boots", "It boots its image: " + why + ".", Map.of());
        };
    }

    /** @return empty when the template cannot be begun from; nothing of that try is left then */
    private Optional<LiveMachine> restored(Start start, Template template, Optional<Standby> standby)
            throws InterruptedException {
        if (start.request().owner() instanceof Owner.Pool) {
            // Its pool knows how many; and no user is to wait for what has time.
            return cloned(start, template, standby);
        }
        try (var _ = clones.take(start.record(), A_TURN)) {
            return cloned(start, template, standby);
        }
    }

    private Optional<LiveMachine> cloned(Start start, Template template, Optional<Standby> standby)
            throws InterruptedException {
        Running running;
        try {
            running = runs(start, clone(start, start.spec().from(new Origin.FromTemplate(template.folder())), standby));
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.TEMPLATE_UNUSABLE) {
                throw e;
            }
            start.door().close();
            setAside(start, template, e.reason());
            return Optional.empty();
        }
        var wait = new CloneWait(running.live(), settings.ahead().restore(template.key()));
        Health health;
        try {
            health = wait.answer(start.image(), start.record(), start.began(), store);
        } catch (FailureException e) {
            if (wait.isItself() || store.get(Scope.all(), start.id()).state() != MachineState.STARTING) {
                throw e; // It did begin, or somebody has ended it: the template is as good as it was.
            }
            machines.forget(running).forEach(error -> LOG.warn("What {} began with: {}", start.id(), error));
            setAside(start, template, e.reason());
            return Optional.empty();
        }
        answered(start, running.machine());
        boots.ready(start.id(), running.live(), health, start.record(), start.began());
        templates.worked(start.request().type(), template);
        machines.watch(running);
        return Optional.of(running.live());
    }

    private Machine clone(Start start, MachineSpec spec, Optional<Standby> standby) throws InterruptedException {
        if (standby.isPresent()) {
            try {
                return standby.get().start(spec, start.ledger(), start.record());
            } catch (FailureException e) {
                if (e.reason().code() == CauseCode.TEMPLATE_UNUSABLE) {
                    throw e;
                }
                // It may have been ended while it waited, which is no reason for a user not to get a machine.
                start.door().close();
                start.record()
                        .done(
                                "standby_lost",
                                "The hypervisor that waited cannot be used, so another is started: "
                                        + e.reason().code().sentence(),
                                e.reason().details());
            }
        }
        return driver.start(spec, start.ledger(), start.record());
    }

    /**
     * What a user's CLI machine does right after its answer it does for itself, and others are waited for; but who asks it for something is
     * not to wait for long. At a browser machine a user looks from the first moment.
     */
    private static void answered(Start start, Machine machine) {
        if (start.request().type() == VmType.CLI && start.request().owner() instanceof Owner.User) {
            machine.take(Share.BACKGROUND);
            CompletableFuture.delayedExecutor(SETTLING.toNanos(), TimeUnit.NANOSECONDS)
                    .execute(() -> machine.take(Share.USUAL));
        }
    }

    private void setAside(Start start, Template template, Cause cause) {
        templates.unusable(start.request().type(), template, cause);
        if (start.request().owner() instanceof Owner.Pool) {
            throw new FailureException(cause); // Without a template it is not worth its boot.
        }
        start.record()
                .done(
                        "template_unusable",
                        "The template cannot be begun from, so it boots its image: "
                                + cause.code().sentence() + " " + cause.detail(),
                        cause.details());
    }

    private LiveMachine booted(Start start) throws InterruptedException {
        boolean forTemplate = start.request().owner() instanceof Owner.Template;
        MachineSpec spec = start.request().owner() instanceof Owner.Template(var folder)
                ? start.spec().from(new Origin.ForTemplate(folder))
                : start.spec();
        Running running;
        try (var _ = turns.take(start.record())) {
            running = made(start, spec);
        }
        boots.await(start.id(), running.live(), start.image(), start.record(), start.began());
        if (!forTemplate) {
            machines.watch(running); // Of a template's machine its maker knows when it is to end.
        }
        return running.live();
    }

    private Running made(Start start, MachineSpec spec) throws InterruptedException {
        return runs(start, driver.start(spec, start.ledger(), start.record()));
    }

    private Running runs(Start start, Machine machine) {
        Running running =
                machines.running(machine, start.request().owner(), start.token(), start.door(), start.record(), null);
        try {
            store.runs(start.id(), machine.handle(), machine.agent(), machine.streams());
        } catch (FailureException e) {
            // Ended by somebody while it was made: what they undid was not all of it.
            if (e.reason().code() == CauseCode.CONFLICT) {
                var _ = machines.forget(running);
            }
            throw e;
        }
        return running;
    }

    /** Nothing is made once the lease is lost: what is written down then is undone by those who swept it, or by nobody. */
    private ResourceLedger guarded(MachineId id, VmType type, Lease.Term term) {
        ResourceLedger ledger = resources.ledger(id, type);
        return new ResourceLedger() {
            @Override
            public void intend(List<Resource> resources) {
                ledger.intend(resources);
                try {
                    term.mustHold();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt(); // The driver meets it where it waits next.
                }
            }

            @Override
            public void undone(List<Resource> resources) {
                ledger.undone(resources);
            }
        };
    }
}
