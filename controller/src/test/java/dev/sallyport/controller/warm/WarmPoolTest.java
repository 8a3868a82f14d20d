package dev.sallyport.controller.warm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.pool.FakeDriver;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.pool.Owner;
import dev.sallyport.controller.pool.World;
import dev.sallyport.controller.store.Await;
import dev.sallyport.controller.store.Purpose;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.controller.template.TemplateMaking;
import dev.sallyport.machine.Origin;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Machines are kept ready, given to users, and replaced. */
@ExtendWith(TestStore.Extension.class)
final class WarmPoolTest {
    private static final Settings.Ahead ONE_CLI = new Settings.Ahead(true, 0, 1, 8, 0, Duration.ofSeconds(2));

    private final TestStore store;
    private final FakeDriver driver = new FakeDriver();
    private final HostId host;
    private Path folder;
    private World world;

    WarmPoolTest(TestStore store) {
        this.store = store;
        this.host = store.newHost();
    }

    @BeforeEach
    void open(@TempDir Path temporary) throws Exception {
        folder = temporary;
        world = new World(store, folder, host, driver, ONE_CLI, 64 * World.GIB);
        world.promoteImages();
        TemplateMaking.make(world.maker, VmType.CLI);
    }

    @AfterEach
    void close() {
        world.close();
        assertThat(driver.things()).isEmpty();
        assertThat(world.alive()).isEmpty();
        assertThat(world.admitted()).isZero();
    }

    @Test
    void aUserIsGivenOneThatIsReadyAndItIsReplaced() throws Exception {
        world.pool.start();
        MachineId kept = kept();
        assertThat(world.stored(kept).purpose()).isEqualTo(Purpose.POOL);
        assertThat(world.stored(kept).user()).isNull();
        assertThat(world.stored(kept).egress()).isEmpty();

        UserId user = store.newUser();
        LiveMachine given = world.start(VmType.CLI, user);
        assertThat(given.id()).isEqualTo(kept);
        assertThat(given.owner()).isEqualTo(new Owner.User(user, null));
        assertThat(world.stored(kept).purpose()).isEqualTo(Purpose.USER);
        assertThat(world.stored(kept).egress()).containsExactly("a.example");
        assertThat(world.steps(kept)).endsWith("claimed");
        assertThat(world.machines.find(kept)).contains(given);
        assertThat(world.pool.hits(VmType.CLI)).isOne();
        assertThat(kept()).as("another one is ready").isNotEqualTo(kept);
        assertThat(world.admitted()).as("the user's, and the next").isEqualTo(2);
    }

    @Test
    void oneThatDoesNotAnswerIsNotGivenToAnybody() throws Exception {
        world.pool.start();
        MachineId dead = kept();
        machine(dead).freeze();
        LiveMachine given = world.start(VmType.CLI, store.newUser());
        assertThat(given.id()).isNotEqualTo(dead);
        Await.until("the dead one is gone", () -> world.stored(dead).state() == MachineState.DESTROYED);
        assertThat(world.stored(dead).user()).as("it never was anybody's").isNull();
        assertThat(kept()).isNotEqualTo(dead);
    }

    @Test
    void oneThatDiesIsReplaced() throws Exception {
        world.pool.start();
        MachineId first = kept();
        machine(first).die();
        Await.until("it is replaced", () -> !keptNow().isEmpty() && !keptNow().contains(first));
        assertThat(world.pool.misses(VmType.CLI)).isZero();
    }

    @Test
    void itGivesWayToAUsersStartOfAnotherKind() throws Exception {
        world.close();
        world = new World(store, folder, host, driver, ONE_CLI, 1400L << 20);
        world.pool.start();
        MachineId kept = kept();
        LiveMachine browser = world.start(VmType.BROWSER, store.newUser());
        Await.until("it gave way", () -> world.stored(kept).state() == MachineState.DESTROYED);
        assertThat(world.stored(kept).endReason()).contains("gives way");
        assertThat(world.machines.find(browser.id())).isPresent();
        assertThat(world.admitted()).as("none is made where there is no room").isOne();
    }

    @Test
    void whereItAloneHasTheRoomItIsGivenNotEnded() throws Exception {
        world.close();
        world = new World(store, folder, host, driver, ONE_CLI, 700L << 20);
        world.pool.start();
        MachineId kept = kept();
        assertThat(world.start(VmType.CLI, store.newUser()).id()).isEqualTo(kept);
        assertThat(world.admitted()).isOne();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void noneIsMadeByBooting(boolean makesTemplates) throws Exception {
        driver.makesTemplates = makesTemplates;
        driver.hypervisor = "2";
        int booted = driver.booting.get();
        world.pool.look(VmType.CLI);
        Await.until("what it has begun is over", () -> world.pool.comingUp(VmType.CLI) == 0);
        assertThat(driver.booting).hasValue(booted);
        assertThat(world.alive()).isEmpty();
    }

    @Test
    void theNextControllerTakesThemOverAsWhatTheyAre() throws Exception {
        world.pool.start();
        MachineId kept = kept();
        world.leave();
        world = new World(store, folder, host, driver, ONE_CLI, 64 * World.GIB);
        world.machines.restore();
        assertThat(keptNow()).containsExactly(kept);
        assertThat(world.stored(kept).purpose()).isEqualTo(Purpose.POOL);
        assertThat(world.admitted()).isOne();
        assertThat(world.start(VmType.CLI, store.newUser()).id()).isEqualTo(kept);
        assertThat(world.admitted()).isOne();
    }

    @Test
    void thoseOfAnOlderImageAreReplaced() throws Exception {
        world.pool.start();
        MachineId first = kept();
        world.promoteImages();
        LiveMachine given = world.start(VmType.CLI, store.newUser());
        assertThat(given.id()).as("it is of another image").isNotEqualTo(first);
        Await.until("it is gone", () -> world.stored(first).state() == MachineState.DESTROYED);
    }

    @Test
    void ofManyUsersAtOnceEachHasAMachineOfTheirOwn() throws Exception {
        world.pool.start();
        kept();
        int users = 8;
        var begin = new CyclicBarrier(users);
        List<Future<LiveMachine>> starts = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < users; i++) {
                UserId user = store.newUser();
                starts.add(threads.submit(() -> {
                    begin.await();
                    return world.start(VmType.CLI, user);
                }));
            }
        }
        Set<MachineId> given = new HashSet<>();
        for (Future<LiveMachine> start : starts) {
            LiveMachine machine = start.get();
            given.add(machine.id());
            assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.FromTemplate.class);
            assertThat(world.stored(machine.id()).user())
                    .isEqualTo(machine.owner().user().orElseThrow());
        }
        assertThat(given).hasSize(users);
        assertThat(world.pool.hits(VmType.CLI)).isPositive();
    }

    /** The one that is ready, once it is. */
    private MachineId kept() throws InterruptedException {
        Await.until("one is ready", () -> keptNow().size() == 1);
        return keptNow().getFirst();
    }

    private List<MachineId> keptNow() {
        return world.machines.spares(VmType.CLI).stream().map(LiveMachine::id).toList();
    }

    private dev.sallyport.controller.pool.FakeMachine machine(MachineId id) {
        return java.util.Objects.requireNonNull(driver.machines.get(id));
    }
}
