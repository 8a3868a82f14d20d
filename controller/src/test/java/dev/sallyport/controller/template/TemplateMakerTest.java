package dev.sallyport.controller.template;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.pool.FakeDriver;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.pool.Template;
import dev.sallyport.controller.pool.TemplateSource.Found;
import dev.sallyport.controller.pool.World;
import dev.sallyport.controller.store.Await;
import dev.sallyport.controller.store.MachineQuery;
import dev.sallyport.controller.store.Purpose;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.machine.Origin;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Templates are made once, whole, behind the scenes, and anew when they are old. */
@ExtendWith(TestStore.Extension.class)
final class TemplateMakerTest {
    private final TestStore store;
    private final FakeDriver driver = new FakeDriver();

    @TempDir
    private Path folder;

    private World world;

    TemplateMakerTest(TestStore store) {
        this.store = store;
    }

    @BeforeEach
    void open() throws Exception {
        world = world(64 * World.GIB);
        world.promoteImages();
    }

    @AfterEach
    void close() throws Exception {
        world.close();
        assertThat(driver.things()).isEmpty();
        assertThat(unfinished()).isEmpty();
    }

    @Test
    void itsMachineIsOnRecordAndTellsEachStep() throws Exception {
        TemplateMaking.make(world.maker, VmType.BROWSER);
        StoredMachine machine = last();
        assertThat(machine.purpose()).isEqualTo(Purpose.TEMPLATE);
        assertThat(machine.user()).isNull();
        assertThat(machine.state()).isEqualTo(MachineState.DESTROYED);
        assertThat(machine.endReason()).isEqualTo("the template is made");
        assertThat(world.steps(machine.id()))
                .containsSubsequence("boots", "machine.ready", "parts_up", "at_rest", "snapshot", "machine.destroyed");
        assertThat(world.admitted()).isZero();
        assertThat(find(VmType.BROWSER)).isInstanceOf(Found.Usable.class);
    }

    @Test
    void twoControllersOfOneHostMakeItOnce() throws Exception {
        try (World other = world(64 * World.GIB)) {
            Thread one = Thread.ofVirtual().start(() -> world.maker.look(VmType.CLI));
            Thread two = Thread.ofVirtual().start(() -> other.maker.look(VmType.CLI));
            one.join();
            two.join();
            other.maker.look(VmType.CLI);
            world.maker.look(VmType.CLI);
            assertThat(driver.templates).hasValue(1);
            assertThat(other.start(VmType.CLI, store.newUser()).machine().spec().origin())
                    .isInstanceOf(Origin.FromTemplate.class);
            assertThat(world.start(VmType.CLI, store.newUser()).machine().spec().origin())
                    .isInstanceOf(Origin.FromTemplate.class);
        }
    }

    @Test
    void whatAKilledMakerLeftIsRemoved() throws Exception {
        Path left = Files.createDirectories(folder.resolve("cache/templates/unfinished-of-a-dead-one"));
        Files.writeString(left.resolve("memory"), "half of it");
        TemplateMaking.make(world.maker, VmType.CLI);
        assertThat(left).doesNotExist();
    }

    @Test
    void whatFailsHasACauseAndIsLeftAloneForAWhile() throws Exception {
        driver.snapshotFailure =
                FailureException.of(CauseCode.TEMPLATE_FAILED, "It cannot be written.", "fake: no migration");
        world.maker.look(VmType.CLI);
        StoredMachine machine = last();
        assertThat(machine.cause()).isNotNull();
        assertThat(machine.cause().code()).isEqualTo(CauseCode.TEMPLATE_FAILED);
        assertThat(machine.cause().evidence()).contains("fake: no migration");
        assertThat(machine.state()).isEqualTo(MachineState.DESTROYED);
        assertThat(world.maker.failed()).isOne();
        assertThat(((Found.None) find(VmType.CLI)).why()).contains("TEMPLATE_FAILED", "tried again in 1 min");

        driver.snapshotFailure = null;
        int booted = driver.booting.get();
        world.maker.look(VmType.CLI);
        assertThat(driver.booting).as("not at once").hasValue(booted);
    }

    @Test
    void oneThatDoesNotComeToRestIsNoTemplate() throws Exception {
        driver.workBetweenLooks = Duration.ofSeconds(1);
        world.maker.look(VmType.CLI);
        assertThat(driver.templates).hasValue(0);
        assertThat(last().cause()).isNotNull();
        assertThat(last().cause().detail()).contains("did not come to rest");
    }

    @Test
    void oneWhosePartsAreNotUpIsNoTemplate() throws Exception {
        driver.partOfTemplates = "starting";
        world.maker.look(VmType.BROWSER);
        assertThat(driver.templates).hasValue(0);
        assertThat(last().cause()).isNotNull();
        assertThat(last().cause().detail()).contains("not all up");
        assertThat(last().cause().evidence().toString()).contains("desktop=starting");
    }

    @Test
    void anOldOneIsUsedUntilItIsMadeAnew() throws Exception {
        TemplateMaking.make(world.maker, VmType.CLI);
        Path first = usable(VmType.CLI);
        world.time.pass(Duration.ofHours(23));
        world.maker.look(VmType.CLI);
        assertThat(driver.templates).hasValue(1);
        world.time.pass(Duration.ofHours(2));
        assertThat(usable(VmType.CLI)).isEqualTo(first);
        TemplateMaking.make(world.maker, VmType.CLI);
        assertThat(usable(VmType.CLI)).isNotEqualTo(first);
        assertThat(first).doesNotExist();
    }

    @Test
    void thoseOfOtherImagesGoUnlessAMachineIsJustBeginning() throws Exception {
        TemplateMaking.make(world.maker, VmType.CLI);
        Path first = usable(VmType.CLI);
        var taken = new CountDownLatch(1);
        var enough = new CountDownLatch(1);
        Thread beginning = Thread.ofVirtual().start(() -> hold(taken, enough));
        taken.await();
        world.promoteImages();
        TemplateMaking.make(world.maker, VmType.CLI);
        assertThat(first).as("a machine is just beginning from it").exists();
        enough.countDown();
        beginning.join();
        TemplateMaking.make(world.maker, VmType.BROWSER);
        assertThat(first.getParent()).as("and the folder of its key").doesNotExist();
    }

    private void hold(CountDownLatch taken, CountDownLatch enough) {
        try (Template _ = ((Found.Usable) find(VmType.CLI)).template()) {
            taken.countDown();
            enough.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void itGivesWayToAUsersStart() throws Exception {
        try (World small = world(700L << 20)) {
            driver.boots = new CountDownLatch(1);
            Thread making = Thread.ofVirtual().start(() -> small.maker.look(VmType.CLI));
            Await.until("the template's machine boots", () -> driver.booting.get() == 1);
            Thread user = Thread.ofVirtual().start(() -> {
                try {
                    LiveMachine _ = small.start(VmType.CLI, store.newUser());
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            Await.until("the user's machine boots", () -> driver.booting.get() == 2);
            making.join();
            driver.boots.countDown();
            user.join();
            assertThat(small.maker.failed()).as("that is no failure").isZero();
            assertThat(driver.templates).hasValue(0);
            assertThat(small.alive()).extracting(StoredMachine::purpose).containsExactly(Purpose.USER);
            assertThat(small.admitted()).isOne();
            small.maker.look(VmType.CLI);
            assertThat(driver.booting).as("no room, or too early").hasValue(2);
        }
    }

    @Test
    void noneIsBegunWhileAnotherMachineComesUp() throws Exception {
        driver.boots = new CountDownLatch(1);
        Thread user = Thread.ofVirtual().start(() -> {
            try {
                LiveMachine _ = world.start(VmType.CLI, store.newUser());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        Await.until("the user's machine boots", () -> driver.booting.get() == 1);
        world.maker.look(VmType.CLI);
        assertThat(driver.booting).hasValue(1);
        driver.boots.countDown();
        user.join();
        TemplateMaking.make(world.maker, VmType.CLI);
    }

    private World world(long memory) {
        return new World(store, folder, store.newHost(), driver, World.TEMPLATES, memory);
    }

    private Found find(VmType type) throws InterruptedException {
        return world.shelf.find(type, world.machines.templateKey(type).orElseThrow());
    }

    private Path usable(VmType type) throws InterruptedException {
        try (Template template = ((Found.Usable) find(type)).template()) {
            return template.folder();
        }
    }

    /** The machine that was made last. */
    private StoredMachine last() {
        return store.machines()
                .list(Scope.all(), MachineQuery.everything(), null, 1)
                .items()
                .getFirst();
    }

    private List<Path> unfinished() throws IOException {
        try (var all = Files.list(folder.resolve("cache/templates"))) {
            return all.filter(path -> path.getFileName().toString().startsWith("unfinished"))
                    .toList();
        }
    }
}
