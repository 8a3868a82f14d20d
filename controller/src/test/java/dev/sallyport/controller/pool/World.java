package dev.sallyport.controller.pool;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Admission;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.admission.Memory;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.host.Bells;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.template.Ripening;
import dev.sallyport.controller.template.TemplateMaker;
import dev.sallyport.controller.template.TemplateShelf;
import dev.sallyport.controller.warm.WarmPool;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.model.Folders;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A controller's machines, without its API: on a real database, with machines of nothing. */
public final class World implements AutoCloseable {
    public static final long GIB = 1L << 30;

    /** None is kept ready. */
    public static final Settings.Ahead TEMPLATES = new Settings.Ahead(true, 0, 0, 0, 0, Duration.ofSeconds(2));

    private static final Ripening QUICK =
            new Ripening(Duration.ofSeconds(1), Duration.ofMillis(300), Duration.ofMillis(50));

    private final TestStore store;
    private final EgressGateway gateway = new EgressGateway(Optional.empty());
    private final Admission admission;
    public final Lease lease;
    public final ImageStore images;
    public final Room room;
    public final TemplateShelf shelf;
    public final Machines machines;
    public final TemplateMaker maker;
    public final WarmPool pool;
    public final Time time;

    /** The time, which a test may let pass. */
    public static final class Time implements InstantSource {
        private volatile Duration passed = Duration.ZERO;

        public void pass(Duration more) {
            passed = passed.plus(more);
        }

        @Override
        public Instant instant() {
            return Instant.now().plus(passed);
        }
    }

    private record Given(long available) implements Memory {
        @Override
        public long total() {
            return available;
        }
    }

    /**
     * @param folder its cache, which several may share, and its data
     * @param memory bytes that machines can have
     */
    public World(TestStore store, Path folder, HostId host, MachineDriver driver, Settings.Ahead ahead, long memory) {
        this.store = store;
        Settings settings = Settings.defaults(
                        new Folders(folder.resolve("cache"), folder.resolve("data-" + host), folder))
                .with(Settings.Timing.DEFAULTS.boot(Duration.ofSeconds(20)))
                .with(ahead);
        images = ImageStore.open(folder.resolve("cache"));
        time = new Time();
        lease = Lease.take(store.hosts(), host, "test", Duration.ofHours(1));
        admission = new Admission(Limits.defaults(0).reserving(0), new Given(memory), System::nanoTime);
        room = new Room(settings, admission);
        shelf = new TemplateShelf(folder.resolve("cache"), time);
        machines = new Machines(
                settings,
                driver,
                images,
                store.machines(),
                new ResourceStore(store.database()),
                gateway,
                new MachineTimeline(store.timelines()),
                lease,
                Bells.NONE,
                room,
                ahead.templates() ? shelf : TemplateSource.NONE);
        maker = new TemplateMaker(shelf, machines, room, lease, QUICK, time);
        pool = new WarmPool(ahead, machines, room, lease, (type, took) -> {});
    }

    /** Makes images of nothing the current ones. */
    public void promoteImages() throws IOException {
        FakeImages.promote(images);
    }

    /** A machine of {@code user}, as a start of theirs gets it. */
    public LiveMachine start(VmType type, UserId user) throws InterruptedException {
        Place place = type == VmType.CLI ? room.forCli(user) : room.forSignIn(user, false);
        place.await(number -> {});
        return machines.start(new MachineRequest(type, user, null, Set.of("a.example")), place);
    }

    public StoredMachine stored(MachineId id) {
        return store.machines().get(Scope.all(), id);
    }

    /** The steps of a machine's timeline. */
    public List<String> steps(MachineId id) {
        return events(id).stream().map(TimelineEvent::step).toList();
    }

    public List<TimelineEvent> events(MachineId id) {
        return store.timelines().read(Scope.all(), TimelineId.of(id), 0, 100);
    }

    /** What is on record and not destroyed. */
    public List<StoredMachine> alive() {
        return store.machines().notDestroyed(lease.host());
    }

    /** How many machines have room. */
    public int admitted() {
        return admission.admitted();
    }

    /** As a controller that leaves its machines to the next. */
    public void leave() {
        pool.close();
        machines.leave();
        gateway.close();
    }

    @Override
    public void close() {
        maker.close();
        pool.close();
        machines.standbys().close();
        machines.close();
        gateway.close();
    }
}
