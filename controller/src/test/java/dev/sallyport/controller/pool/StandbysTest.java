package dev.sallyport.controller.pool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.pool.FakeDriver.Clones;
import dev.sallyport.controller.store.Await;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.controller.template.TemplateMaking;
import dev.sallyport.machine.Origin;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Hypervisors that wait, with machines of nothing. */
@ExtendWith(TestStore.Extension.class)
final class StandbysTest {
    private static final Settings.Ahead ONE_WAITS = new Settings.Ahead(true, 0, 0, 0, 1, Duration.ofSeconds(2));

    private final TestStore store;
    private final FakeDriver driver = new FakeDriver();
    private Path folder;
    private HostId host;
    private World world;

    StandbysTest(TestStore store) {
        this.store = store;
    }

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        this.folder = folder;
        host = store.newHost();
        world = new World(store, folder, host, driver, ONE_WAITS, 64 * World.GIB);
        world.promoteImages();
        TemplateMaking.make(world.maker, VmType.CLI);
    }

    @AfterEach
    void close() {
        world.close();
        assertThat(driver.things()).as("nothing is left of any machine").isEmpty();
        assertThat(world.alive()).isEmpty();
        assertThat(folders()).isEmpty();
    }

    private Set<MachineId> folders() {
        return Set.copyOf(new MachineFolders(folder.resolve("data-" + host)).present());
    }

    /** The one that waits, after a look. */
    private FakeStandby waits() {
        world.machines.standbys().look(VmType.CLI);
        assertThat(world.machines.standbys().size(VmType.CLI)).isOne();
        return driver.standbys.values().stream()
                .filter(standby -> !standby.started && !standby.closed)
                .collect(Collectors.collectingAndThen(Collectors.toList(), all -> {
                    assertThat(all).hasSize(1);
                    return all.getFirst();
                }));
    }

    @Test
    void theNextStartHasIt() throws Exception {
        FakeStandby waiting = waits();
        world.machines.standbys().look(VmType.CLI);
        assertThat(driver.prepared).as("no more than one waits").hasValue(1);

        LiveMachine machine = world.start(VmType.CLI, store.newUser());
        assertThat(machine.id()).isEqualTo(waiting.id());
        assertThat(waiting.started).isTrue();
        assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.FromTemplate.class);
        assertThat(world.machines.standbys().size(VmType.CLI)).isZero();
        assertThat(folders()).containsExactly(machine.id());
        assertThat(world.machines.standbys().has(machine.id()))
                .as("it is a machine now")
                .isFalse();
    }

    @Test
    void aStartRightAfterHasItsOwn() throws Exception {
        FakeStandby waiting = waits();
        world.start(VmType.CLI, store.newUser());
        LiveMachine second = world.start(VmType.CLI, store.newUser());
        assertThat(second.id()).isNotEqualTo(waiting.id());
        assertThat(second.machine().spec().origin()).isInstanceOf(Origin.FromTemplate.class);
    }

    @Test
    void withoutATemplateNoneWaits() {
        world.machines.standbys().look(VmType.BROWSER);
        assertThat(driver.prepared).hasValue(0);
        assertThat(folders()).isEmpty();
    }

    @Test
    void aDriverThatPreparesNoneIsAskedOnce() throws Exception {
        driver.prepares = false;
        world.machines.standbys().look(VmType.CLI);
        world.machines.standbys().look(VmType.CLI);
        assertThat(driver.prepared).hasValue(1);
        assertThat(folders()).isEmpty();
        assertThat(world.start(VmType.CLI, store.newUser()).machine().spec().origin())
                .isInstanceOf(Origin.FromTemplate.class);
    }

    @Test
    void aTemplateThatOneCannotTakeIsSetAside() {
        driver.clones = Clones.ARE_REFUSED;
        world.machines.standbys().look(VmType.CLI);
        assertThat(world.machines.standbys().size(VmType.CLI)).isZero();
        assertThat(world.shelf.unusable()).isOne();
        assertThat(folders()).isEmpty();
        driver.clones = Clones.WORK;
    }

    @Test
    void whoIsGivenAMachineThatIsKeptReadyLeavesItWaiting() throws Exception {
        var alsoPool = new Settings.Ahead(true, 0, 1, 8, 1, Duration.ofSeconds(2));
        world.close();
        world = new World(store, folder, host, driver, alsoPool, 64 * World.GIB);
        world.pool.start();
        Await.until("one is kept ready", () -> world.machines.spares(VmType.CLI).size() == 1);
        world.pool.close();
        FakeStandby waiting = waits();
        LiveMachine given = world.start(VmType.CLI, store.newUser());
        assertThat(given.id()).isNotEqualTo(waiting.id());
        assertThat(waits()).isSameAs(waiting);
    }

    @Test
    void whatIsPutBackWhileTheControllerEndsEndsToo() {
        FakeStandby waiting = waits();
        Standbys standbys = world.machines.standbys();
        Standbys.Waiting taken = standbys.take(VmType.CLI).orElseThrow();
        standbys.close();
        assertThat(waiting.closed).as("it is its start's").isFalse();
        standbys.putBack(taken);
        assertThat(waiting.closed).isTrue();
        assertThat(folders()).isEmpty();
    }

    @Test
    void oneThatCannotBeUsedCostsItsUserNothing() throws Exception {
        FakeStandby waiting = waits();
        waiting.broken = true;
        LiveMachine machine = world.start(VmType.CLI, store.newUser());
        assertThat(machine.id()).isEqualTo(waiting.id());
        assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.FromTemplate.class);
        assertThat(world.steps(machine.id()))
                .containsSubsequence("from_template", "standby_lost", "hypervisor", "machine.ready");
    }

    @Test
    void oneThatHasEndedIsReplacedAndNotUsed() throws Exception {
        FakeStandby ended = waits();
        ended.die();
        assertThat(waits()).isNotSameAs(ended);
        waits().die();
        LiveMachine machine = world.start(VmType.CLI, store.newUser());
        assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.FromTemplate.class);
        assertThat(world.steps(machine.id())).doesNotContain("standby_lost");
    }

    @Test
    void oneThatDoesNotFitAnyMoreEndsBeforeItsMachineBoots() throws Exception {
        FakeStandby waiting = waits();
        driver.hypervisor = "2";
        LiveMachine machine = world.start(VmType.CLI, store.newUser());
        assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.Image.class);
        assertThat(waiting.closed).isTrue();
    }

    @Test
    void itEndsWithItsImage() throws Exception {
        FakeStandby waiting = waits();
        world.promoteImages();
        world.machines.standbys().look(VmType.CLI);
        assertThat(waiting.closed).isTrue();
        assertThat(folders()).isEmpty();
    }

    @Test
    void itEndsWithItsTemplate() {
        FakeStandby waiting = waits();
        world.time.pass(Duration.ofDays(2));
        TemplateMaking.make(world.maker, VmType.CLI);
        world.machines.standbys().templatesMade();
        assertThat(waits()).isNotSameAs(waiting);
        assertThat(waiting.closed).isTrue();
    }

    @Test
    void itIsNoStrangerHereAndOneToTheNextController() throws Exception {
        FakeStandby waiting = waits();
        world.machines.reconcile();
        assertThat(folders()).containsExactly(waiting.id());
        assertThat(driver.things()).containsExactly("standby of " + waiting.id());

        World killed = world;
        world = new World(store, folder, host, driver, ONE_WAITS, 64 * World.GIB);
        world.machines.restore();
        assertThat(folders()).isEmpty();
        assertThat(driver.things()).isEmpty();
        killed.close();
    }
}
