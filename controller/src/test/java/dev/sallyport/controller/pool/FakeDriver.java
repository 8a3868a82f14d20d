package dev.sallyport.controller.pool;

import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.MadeThings;
import dev.sallyport.machine.Origin;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.machine.Standby;
import dev.sallyport.machine.StepListener;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Makes machines of nothing, and templates of them. Its machines outlive a controller as long as this object lives. */
public final class FakeDriver implements MachineDriver {
    /** What becomes of machines that begin from templates. */
    public enum Clones {
        WORK,
        /** The template is refused. */
        ARE_REFUSED,
        /** Their agents never learn who they are. */
        STAY_TEMPLATES,
        /** Their hypervisor ends. */
        DIE,
        /** They are themselves, and something in them does not work. */
        LACK_A_PART
    }

    public volatile Clones clones = Clones.WORK;
    public volatile boolean makesTemplates = true;
    public volatile boolean prepares = true;
    public volatile String hypervisor = "1";
    public volatile String partOfTemplates = "ok";
    public volatile Duration workBetweenLooks = Duration.ZERO;
    public volatile @Nullable FailureException snapshotFailure;
    /** What machines that boot wait for. */
    public volatile CountDownLatch boots = new CountDownLatch(0);

    public final AtomicInteger booting = new AtomicInteger();
    public final AtomicInteger templates = new AtomicInteger();
    /** The machines that run, by their ids. */
    public final Map<MachineId, FakeMachine> machines = new ConcurrentHashMap<>();

    public final AtomicInteger prepared = new AtomicInteger();
    /** All that were prepared, by their ids. */
    public final Map<MachineId, FakeStandby> standbys = new ConcurrentHashMap<>();

    private final Set<String> things = ConcurrentHashMap.newKeySet();

    /** What is made and not undone. */
    public Set<String> things() {
        return Set.copyOf(things);
    }

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public Optional<TemplateKey> templateKey(MachineSpec spec) {
        return makesTemplates
                ? Optional.of(new TemplateKey(new TreeMap<>(Map.of(
                        "vm_type",
                        spec.type().wire(),
                        "image",
                        spec.image().id(),
                        "hypervisor",
                        hypervisor,
                        "accelerator",
                        "kvm"))))
                : Optional.empty();
    }

    @Override
    public Machine start(MachineSpec spec, ResourceLedger ledger, StepListener steps) throws InterruptedException {
        if (things.contains("standby of " + spec.id())) {
            throw new IllegalStateException("a hypervisor waits in its folder");
        }
        var made = new MadeThings(ledger, this::undo);
        if (spec.origin() instanceof Origin.FromTemplate(Path folder)) {
            if (clones == Clones.ARE_REFUSED || !Files.exists(folder.resolve(FakeMachine.MEMORY))) {
                throw FailureException.of(CauseCode.TEMPLATE_UNUSABLE, "It is refused.", "fake: no such state");
            }
        } else {
            booting.incrementAndGet();
            boots.await();
        }
        var thing = new Resource("fake", "thing", "of " + spec.id());
        try {
            spec.egress().open(InetAddress.getLoopbackAddress(), 0);
            made.intend(thing);
            things.add(thing.name());
            var machine = new FakeMachine(this, spec, () -> {
                machines.remove(spec.id());
                return made.undoAll();
            });
            machines.put(spec.id(), machine);
            steps.done("hypervisor", "None.", Map.of());
            if (spec.origin() instanceof Origin.FromTemplate && clones == Clones.DIE) {
                machine.die();
            }
            return machine;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            made.undoAll();
            throw e;
        }
    }

    @Override
    public Optional<Standby> prepare(MachineSpec spec) {
        prepared.incrementAndGet();
        if (!prepares) {
            return Optional.empty();
        }
        if (clones == Clones.ARE_REFUSED) {
            throw FailureException.of(CauseCode.TEMPLATE_UNUSABLE, "It is refused.", "fake: no such state");
        }
        things.add("standby of " + spec.id());
        var standby = new FakeStandby(this, spec.id(), () -> things.remove("standby of " + spec.id()));
        standbys.put(spec.id(), standby);
        return Optional.of(standby);
    }

    @Override
    public Optional<Machine> adopt(
            MachineSpec spec, String handle, List<Resource> made, ResourceLedger ledger, StepListener steps) {
        return Optional.ofNullable(machines.get(new MachineId(handle))).map(found -> {
            try {
                spec.egress().open(InetAddress.getLoopbackAddress(), 0);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return found.taken();
        });
    }

    @Override
    public List<Resource> traces(MachineId id, Path directory) {
        return List.of(new Resource("fake", "thing", "of " + id), new Resource("fake", "thing", "standby of " + id));
    }

    @Override
    public List<String> undo(Resource resource) {
        things.remove(resource.name());
        return List.of();
    }
}
