package dev.sallyport.controller.pool;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.TemplateSource.Found;
import dev.sallyport.image.Image;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Origin;
import dev.sallyport.machine.Standby;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a few hypervisors of each kind that wait with a template's state, for users' starts that find no machine kept ready: to start one
 * takes a fourth of such a start. Their guests stand still and are in no store. While machines come up none is made, since that would cost their
 * users the time that it is to save.
 */
public final class Standbys implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Standbys.class);
    /** Nothing tells of all that it looks for: an image that another process has promoted, a hypervisor's end, a host that has come to rest. */
    private static final Duration LOOK = Duration.ofMillis(500);

    /** What a machine does right after its start, and the answer to its user, go before the next one's hypervisor. */
    private static final Duration SETTLING = Duration.ofMillis(500);

    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    private final int kept;
    private final MachineDriver driver;
    private final Specs specs;
    private final MachineFolders folders;
    private final TemplateSource templates;
    private final Lease lease;
    private final Machines machines;
    /** The oldest first. Guarded by itself. */
    private final Map<VmType, Deque<Waiting>> waiting = new EnumMap<>(VmType.class);

    /** From before their folders are made until those are gone, or a machine's. */
    private final Set<MachineId> ids = ConcurrentHashMap.newKeySet();

    /** Kinds whose templates have been made anew. */
    private final Set<VmType> outdated = ConcurrentHashMap.newKeySet();

    private final Thread thread;
    private boolean driverPreparesNone;
    private Duration pause = Duration.ZERO;
    private volatile long notBefore = System.nanoTime();
    private volatile boolean closing;

    /**
     * One that waits.
     *
     * @param template the folder of the template that it has the state of
     */
    record Waiting(VmType type, Standby standby, Image image, Path template) {
        MachineId id() {
            return standby.id();
        }

        /** Whether a machine of {@code now} that begins from {@code found} can be started with it. */
        boolean fits(Image now, Template found) {
            return image.id().equals(now.id())
                    && template.equals(found.folder())
                    && !standby.ended().isDone();
        }
    }

    Standbys(
            Settings settings,
            MachineDriver driver,
            Specs specs,
            MachineFolders folders,
            TemplateSource templates,
            Lease lease,
            Machines machines) {
        this.kept = settings.ahead().templates() ? settings.ahead().hypervisors() : 0;
        this.driver = driver;
        this.specs = specs;
        this.folders = folders;
        this.templates = templates;
        this.lease = lease;
        this.machines = machines;
        for (VmType type : VmType.values()) {
            waiting.put(type, new ArrayDeque<>());
        }
        this.thread = Thread.ofVirtual().name("standbys").unstarted(this::run);
    }

    /** Begins. */
    public Standbys start() {
        thread.start();
        return this;
    }

    /** There are templates that were not there before: what waits for another is of no use any more. */
    public void templatesMade() {
        outdated.addAll(List.of(VmType.values()));
    }

    /** How many of {@code type} wait. */
    public int size(VmType type) {
        synchronized (waiting) {
            return of(type).size();
        }
    }

    /** One for a start, which ends with {@link #putBack} or {@link #done}; empty when none waits. */
    Optional<Waiting> take(VmType type) {
        synchronized (waiting) {
            return Optional.ofNullable(of(type).poll());
        }
    }

    /** It was taken for nothing, and from now on another start may have it. */
    void putBack(Waiting unused) {
        synchronized (waiting) {
            if (!closing) {
                of(unused.type()).addFirst(unused);
                return;
            }
        }
        end(unused);
    }

    /** The start that it was taken for is over: unless it is a machine now, it ends. */
    void done(Waiting taken) {
        taken.standby().close();
        ids.remove(taken.id());
        notBefore = System.nanoTime() + SETTLING.toNanos();
    }

    /** Whether a folder of that name is one's that waits. */
    boolean has(MachineId id) {
        return ids.contains(id);
    }

    /** Ends all, and makes no more. One that is taken ends with its start. */
    @Override
    public void close() {
        closing = true; // Whoever has not seen it under the lock has put back what is ended below.
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        endAll();
    }

    private Deque<Waiting> of(VmType type) {
        return Objects.requireNonNull(waiting.get(type));
    }

    private void run() {
        while (!closing) {
            if (lease.isHeld()) {
                for (VmType type : VmType.values()) {
                    look(type);
                }
            } else {
                endAll();
            }
            try {
                Thread.sleep(LOOK);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Ends those that are of no use any more, and makes one that is missing. */
    void look(VmType type) {
        try {
            endStale(type);
            while (size(type) < kept
                    && !driverPreparesNone
                    && !machines.isStarting()
                    && System.nanoTime() - notBefore >= 0
                    && make(type)) {
                pause = Duration.ZERO;
            }
        } catch (FailureException e) {
            LOG.debug(
                    "No hypervisor waits for a {} machine: {}",
                    type.wire(),
                    e.reason().detail());
            rest();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("The hypervisors that wait for {} machines met a defect", type.wire(), e);
            rest();
        }
    }

    /** The next try is later, and later each time. */
    private void rest() {
        Duration twice = pause.multipliedBy(2).plusSeconds(1);
        pause = twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
        notBefore = System.nanoTime() + pause.toNanos();
    }

    private void endStale(VmType type) {
        boolean all = outdated.remove(type);
        if (size(type) == 0) {
            return;
        }
        String image = specs.image(type).id();
        List<Waiting> stale = new ArrayList<>();
        synchronized (waiting) {
            for (Waiting one : of(type)) {
                if (all || one.standby().ended().isDone() || !one.image().id().equals(image)) {
                    stale.add(one);
                }
            }
            of(type).removeAll(stale);
        }
        stale.forEach(this::end);
    }

    private void endAll() {
        List<Waiting> all = new ArrayList<>();
        synchronized (waiting) {
            for (Deque<Waiting> each : waiting.values()) {
                all.addAll(each);
                each.clear();
            }
        }
        all.forEach(this::end);
    }

    private void end(Waiting one) {
        one.standby().close();
        forget(one.id());
    }

    private void forget(MachineId id) {
        folders.discard(id);
        ids.remove(id);
    }

    /** @return false when there is nothing to make it from, or with */
    private boolean make(VmType type) throws InterruptedException {
        MachineId id = MachineId.random();
        Image image = specs.image(type);
        MachineSpec spec = specs.of(id, type, image, Secret.random(32), (address, port) -> {
            throw new IOException("nothing goes out before it is somebody's");
        });
        Optional<TemplateKey> key = driver.templateKey(spec);
        if (key.isEmpty() || !(templates.find(type, key.get()) instanceof Found.Usable(Template template))) {
            return false;
        }
        ids.add(id);
        boolean waits = false;
        try (template) {
            folders.make(id);
            Optional<Standby> made = prepared(spec, template);
            driverPreparesNone = made.isEmpty();
            if (made.isPresent()) {
                synchronized (waiting) {
                    of(type).add(new Waiting(type, made.get(), image, template.folder()));
                }
                waits = true;
            }
            return waits;
        } finally {
            if (!waits) {
                forget(id);
            }
        }
    }

    private Optional<Standby> prepared(MachineSpec spec, Template template) throws InterruptedException {
        try {
            return driver.prepare(spec.from(new Origin.FromTemplate(template.folder())));
        } catch (FailureException e) {
            if (e.reason().code() == CauseCode.TEMPLATE_UNUSABLE) {
                templates.unusable(spec.type(), template, e.reason());
            }
            throw e;
        }
    }
}
