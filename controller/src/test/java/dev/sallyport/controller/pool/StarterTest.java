package dev.sallyport.controller.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.controller.pool.FakeDriver.Clones;
import dev.sallyport.controller.pool.TemplateSource.Found;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.controller.template.TemplateMaking;
import dev.sallyport.machine.Origin;
import dev.sallyport.machine.Share;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.VmType;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Machines begin from a template where one fits, and boot otherwise. */
@ExtendWith(TestStore.Extension.class)
final class StarterTest {
    private final TestStore store;
    private final FakeDriver driver = new FakeDriver();
    private World world;

    StarterTest(TestStore store) {
        this.store = store;
    }

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        world = new World(store, folder, store.newHost(), driver, World.TEMPLATES, 64 * World.GIB);
        world.promoteImages();
    }

    @AfterEach
    void close() {
        world.close();
        assertThat(driver.things()).as("nothing is left of any machine").isEmpty();
        assertThat(world.alive()).isEmpty();
        assertThat(world.admitted()).isZero();
    }

    @Test
    void itBeginsFromATemplateThatFits() throws Exception {
        TemplateMaking.make(world.maker, VmType.BROWSER);
        int booted = driver.booting.get();
        LiveMachine machine = world.start(VmType.BROWSER, store.newUser());
        assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.FromTemplate.class);
        assertThat(driver.booting).hasValue(booted);
        assertThat(world.steps(machine.id()))
                .containsExactly(
                        "machine.planned",
                        "machine.starting",
                        "from_template",
                        "hypervisor",
                        "machine.ready",
                        "agent_ready");
        assertThat(event(machine, "from_template").details().get("key")).hasSize(12);
        assertThat(world.shelf.restored()).isOne();
    }

    @Test
    void withoutATemplateItBootsAndSaysWhy() throws Exception {
        LiveMachine machine = world.start(VmType.CLI, store.newUser());
        assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.Image.class);
        assertThat(event(machine, "boots").text()).contains("no template yet");
    }

    @Test
    void aTemplateThatDoesNotFitIsNamedWithWhatDiffers() throws Exception {
        TemplateMaking.make(world.maker, VmType.CLI);
        driver.hypervisor = "2";
        LiveMachine machine = world.start(VmType.CLI, store.newUser());
        assertThat(event(machine, "boots").text())
                .contains("template does not fit: hypervisor is 2, not 1")
                .doesNotContain("vm_type");
    }

    @Test
    void whereTheDriverMakesNoneNothingIsSaidOfThem() throws Exception {
        driver.makesTemplates = false;
        assertThat(world.steps(world.start(VmType.CLI, store.newUser()).id()))
                .containsExactly("machine.planned", "machine.starting", "hypervisor", "machine.ready", "agent_ready");
    }

    @ParameterizedTest
    @EnumSource(names = {"ARE_REFUSED", "STAY_TEMPLATES", "DIE"})
    void aTemplateThatCannotBeBegunFromIsSetAsideAndTheSameMachineBoots(Clones failure) throws Exception {
        TemplateMaking.make(world.maker, VmType.BROWSER);
        driver.clones = failure;
        LiveMachine machine = world.start(VmType.BROWSER, store.newUser());

        assertThat(machine.machine().spec().origin()).isInstanceOf(Origin.Image.class);
        StoredMachine row = world.stored(machine.id());
        assertThat(row.state()).isEqualTo(MachineState.READY);
        assertThat(row.agent()).isEqualTo(machine.machine().agent());
        assertThat(world.steps(machine.id()))
                .containsSubsequence("from_template", "template_unusable", "hypervisor", "machine.ready");
        assertThat(event(machine, "template_unusable").details()).containsKey("cause");
        assertThat(driver.machines).hasSize(1);
        assertThat(driver.things()).hasSize(1);
        assertThat(world.shelf.unusable()).isOne();
        assertThat(world.shelf.find(
                        VmType.BROWSER,
                        world.machines.templateKey(VmType.BROWSER).orElseThrow()))
                .isInstanceOf(Found.None.class);

        driver.clones = Clones.WORK;
        TemplateMaking.look(world.maker, VmType.BROWSER);
        assertThat(driver.templates).as("made anew at once").hasValue(2);
    }

    @Test
    void whatAMachineLacksThatIsItselfIsNotTheTemplatesFault() throws Exception {
        TemplateMaking.make(world.maker, VmType.BROWSER);
        driver.clones = Clones.LACK_A_PART;
        var failed = catchThrowableOfType(FailureException.class, () -> world.start(VmType.BROWSER, store.newUser()));
        assertThat(failed.reason().code()).isNotEqualTo(CauseCode.TEMPLATE_UNUSABLE);
        assertThat(world.shelf.unusable()).isZero();
        driver.clones = Clones.WORK;
        assertThat(world.start(VmType.BROWSER, store.newUser()).machine().spec().origin())
                .isInstanceOf(Origin.FromTemplate.class);
    }

    @Test
    void oneThatIsEndedWhileItBeginsDoesNotBoot() throws Exception {
        TemplateMaking.make(world.maker, VmType.CLI);
        driver.clones = Clones.STAY_TEMPLATES;
        int booted = driver.booting.get();
        Thread ender = Thread.ofVirtual().start(() -> {
            try {
                dev.sallyport.controller.store.Await.until(
                        "it runs", () -> world.machines.all().size() == 1);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            world.machines.end(world.machines.all().getFirst().id(), "a test ends it");
        });
        assertThatThrownBy(() -> world.start(VmType.CLI, store.newUser())).isInstanceOf(FailureException.class);
        ender.join();
        assertThat(driver.booting).hasValue(booted);
        assertThat(world.shelf.unusable()).isZero();
    }

    @Test
    void whoIsWaitedForGoesFirstAndNobodyStaysBehind() throws Exception {
        TemplateMaking.make(world.maker, VmType.BROWSER);
        assertThat(shares(world.start(VmType.BROWSER, store.newUser())))
                .as("its user looks at it")
                .isEmpty();

        TemplateMaking.make(world.maker, VmType.CLI);
        LiveMachine clone = world.start(VmType.CLI, store.newUser());
        assertThat(shares(clone).getFirst()).isEqualTo(Share.BACKGROUND);
        dev.sallyport.controller.store.Await.until(
                "it is as others are", () -> shares(clone).getLast() == Share.USUAL);
    }

    private static List<Share> shares(LiveMachine machine) {
        return ((FakeMachine) machine.machine()).shares;
    }

    private TimelineEvent event(LiveMachine machine, String step) {
        return world.events(machine.id()).stream()
                .filter(event -> event.step().equals(step))
                .findFirst()
                .orElseThrow();
    }
}
