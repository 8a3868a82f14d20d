package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.IllegalTransitionException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.TransitionTable.Transition;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(TestStore.Extension.class)
class MachineStoreTest {
    private final TestStore store;
    private final MachineStore machines;
    private final ResourceStore resources;
    private final Secret token = Secret.random(32);
    private UserId user;

    MachineStoreTest(TestStore store) {
        this.store = store;
        this.machines = store.machines();
        this.resources = new ResourceStore(store.database());
        this.user = store.newUser();
    }

    @BeforeEach
    void newUser() {
        user = store.newUser();
    }

    @Test
    void plansAMachineWithItsTimelineAndToken() {
        SessionId session = store.sessions()
                .create(user, new ProviderId("codex"), TestStore.HOST)
                .id();
        StoredMachine machine = plan(user, session);
        assertThat(machine.state()).isEqualTo(MachineState.PLANNED);
        assertThat(machine.user()).isEqualTo(user);
        assertThat(machine.session()).isEqualTo(session);
        assertThat(machine.imageId()).isEqualTo("sha256-of-an-image");
        assertThat(machine.agent()).isNull();
        assertThat(machines.get(Scope.of(user), machine.id())).isEqualTo(machine);
        assertThat(machines.agentToken(machine.id())).isEqualTo(token);
        assertThat(events(machine.id())).extracting(TimelineEvent::step).containsExactly("machine.planned");
    }

    @Test
    void keepsTheTokenSealedAndBoundToItsMachine() {
        StoredMachine one = plan(user, null);
        StoredMachine other = plan(user, null);
        byte[] sealed = store.database()
                .inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery("SELECT agent_token FROM machines WHERE id = ?")
                                .bind(0, one.id().value())
                                .mapTo(byte[].class)
                                .one());
        assertThat(new String(sealed, StandardCharsets.ISO_8859_1)).doesNotContain(token.reveal());
        store.database()
                .useTransaction(
                        Scope.all(),
                        handle -> handle.execute(
                                "UPDATE machines SET agent_token = ? WHERE id = ?",
                                sealed,
                                other.id().value()));
        assertThatThrownBy(() -> machines.agentToken(other.id()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        moved -> assertThat(moved.reason().code()).isEqualTo(CauseCode.VAULT_LOCKED));
    }

    static Stream<Transition<MachineState, MachineLife.Event>> rows() {
        return MachineLife.TABLE.rows().stream();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void goesEveryWayOfTheTable(Transition<MachineState, MachineLife.Event> row) {
        StoredMachine before = reach(row.from());
        StoredMachine after = machines.transition(before.id(), row.on(), MachineChange.none());
        assertThat(after.state()).isEqualTo(row.to());
        assertThat(after.version()).isEqualTo(before.version() + 1);
        assertThat(after.readyAt() != null).isEqualTo(before.readyAt() != null || row.to() == MachineState.READY);
        assertThat(after.endedAt() != null).isEqualTo(row.to() == MachineState.DESTROYED);
        assertThat(machines.get(Scope.all(), before.id())).isEqualTo(after);
        assertThat(events(before.id()).getLast().step())
                .isEqualTo("machine." + row.to().wire());
    }

    @Test
    void refusesEveryWayThatTheTableHasNot() {
        int refusals = 0;
        for (MachineState state : MachineState.values()) {
            StoredMachine before = reach(state);
            for (MachineLife.Event event : MachineLife.Event.values()) {
                if (MachineLife.TABLE.allows(state, event)) {
                    continue;
                }
                FailureException refused = catchThrowableOfType(
                        FailureException.class, () -> machines.transition(before.id(), event, MachineChange.none()));
                assertThat(refused.reason().code()).isEqualTo(CauseCode.CONFLICT);
                assertThat(refused).hasCauseInstanceOf(IllegalTransitionException.class);
                assertThat(refused.reason().evidence()).isNotEmpty();
                assertThat(machines.get(Scope.all(), before.id())).isEqualTo(before);
                refusals++;
            }
        }
        assertThat(refusals)
                .isEqualTo(MachineState.values().length * MachineLife.Event.values().length
                        - MachineLife.TABLE.rows().size());
    }

    @Test
    void ofSixteenThatEndItAtOnceOneDoes() throws InterruptedException {
        StoredMachine machine = reach(MachineState.READY);
        List<Object> outcomes =
                Race.of(16, () -> machines.transition(machine.id(), MachineLife.Event.END, MachineChange.none()));
        assertThat(outcomes).filteredOn(StoredMachine.class::isInstance).hasSize(1);
        assertThat(outcomes).filteredOn(FailureException.class::isInstance).hasSize(15);
    }

    @Test
    void writesChangesWithTheState() {
        StoredMachine machine = plan(user, null);
        var agent = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 18080);
        var streams = new InetSocketAddress(InetAddress.ofLiteral("10.1.2.3"), 8081);
        machines.transition(
                machine.id(), MachineLife.Event.START, MachineChange.none().addresses(agent, streams));
        StoredMachine ready = machines.transition(machine.id(), MachineLife.Event.AGENT_READY, MachineChange.none());
        assertThat(ready.agent()).isEqualTo(agent);
        assertThat(ready.streams()).isEqualTo(streams);
        Cause cause = Cause.of(CauseCode.MACHINE_ENDED, "It powered itself off.", "reboot: Power down");
        StoredMachine ending = machines.transition(
                machine.id(),
                MachineLife.Event.END,
                MachineChange.none()
                        .endReason("it ended by itself")
                        .cause(cause)
                        .ifVersion(3));
        assertThat(ending.endReason()).isEqualTo("it ended by itself");
        assertThat(ending.cause()).isEqualTo(cause);
        assertThat(ending.agent()).isEqualTo(agent);
        assertThat(events(machine.id()).getLast().details())
                .containsEntry("cause", "MACHINE_ENDED")
                .containsEntry("evidence_01", "reboot: Power down");
        assertThatThrownBy(() -> machines.transition(
                        machine.id(),
                        MachineLife.Event.GONE,
                        MachineChange.none().ifVersion(3)))
                .hasMessageContaining("at version 4, not at 3");
    }

    @Test
    void wipesTheTokenOfADestroyedMachine() {
        StoredMachine machine = reach(MachineState.DESTROYED);
        assertThatThrownBy(() -> machines.agentToken(machine.id()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        gone -> assertThat(gone.reason().code()).isEqualTo(CauseCode.CONFLICT));
        assertThatThrownBy(() -> machines.agentToken(MachineId.random()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        none -> assertThat(none.reason().code()).isEqualTo(CauseCode.NOT_FOUND));
    }

    @Test
    void listsInPagesNewestFirst() {
        List<MachineId> made = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            made.addFirst(plan(user, null).id());
        }
        Page<StoredMachine> first = machines.list(Scope.of(user), MachineQuery.everything(), null, 3);
        Page<StoredMachine> second = machines.list(Scope.of(user), MachineQuery.everything(), first.next(), 3);
        assertThat(Stream.concat(first.items().stream(), second.items().stream()))
                .extracting(StoredMachine::id)
                .containsExactlyElementsOf(made);
        assertThat(second.next()).isNull();
        machines.transition(made.getFirst(), MachineLife.Event.END, MachineChange.none());
        machines.transition(made.getFirst(), MachineLife.Event.GONE, MachineChange.none());
        assertThat(machines.list(Scope.all(), new MachineQuery(user, VmType.BROWSER, true), null, 100)
                        .items())
                .extracting(StoredMachine::id)
                .containsExactlyElementsOf(made.subList(1, 5));
        assertThat(machines.list(Scope.all(), new MachineQuery(user, VmType.CLI, false), null, 100)
                        .items())
                .isEmpty();
        assertThat(machines.notDestroyed(TestStore.HOST))
                .extracting(StoredMachine::id)
                .containsAll(made.subList(1, 5))
                .doesNotContain(made.getFirst());
    }

    @Test
    void writesResourcesDownAndStrikesThemOut() {
        MachineId machine = plan(user, null).id();
        ResourceLedger ledger = resources.ledger(machine, VmType.CLI);
        var disk = new Resource("qemu", "file", "/somewhere/disk");
        var process = new Resource("qemu", "process", "123 456 " + machine);
        ledger.intend(List.of(disk, process));
        ledger.intend(List.of(disk));
        assertThat(resources.notUndone(machine)).as("the last first").containsExactly(process, disk);
        ledger.undone(List.of(process));
        ledger.undone(List.of(process));
        assertThat(resources.notUndone(machine)).containsExactly(disk);
        ledger.undone(List.of(disk));
        assertThat(resources.notUndone(machine)).isEmpty();
        ledger.intend(List.of(disk));
        assertThat(resources.notUndone(machine)).as("made again").containsExactly(disk);
        assertThatThrownBy(
                        () -> resources.ledger(MachineId.random(), VmType.CLI).intend(List.of(disk)))
                .as("a machine that is not planned")
                .isInstanceOf(FailureException.class);
    }

    @Test
    void forgetsMachinesOfWhichNothingIsLeft() {
        StoredMachine gone = reach(MachineState.DESTROYED);
        StoredMachine remains = reach(MachineState.DESTROYED);
        var disk = new Resource("qemu", "file", "/somewhere/disk");
        resources.ledger(gone.id(), VmType.CLI).intend(List.of(disk));
        resources.ledger(gone.id(), VmType.CLI).undone(List.of(disk));
        resources.ledger(remains.id(), VmType.CLI).intend(List.of(disk));
        Instant end = store.database().now().plus(Duration.ofSeconds(1));
        assertThat(machines.deleteDestroyedBefore(end, 10_000)).isPositive();
        assertThat(machines.find(Scope.all(), gone.id())).isEmpty();
        assertThat(events(gone.id())).isEmpty();
        assertThat(resources.ofDestroyed(TestStore.HOST)).contains(remains.id()).doesNotContain(gone.id());
        assertThat(machines.find(Scope.all(), remains.id()))
                .as("something of it is not undone")
                .isPresent();
    }

    @Test
    void machinesAreFoundByTheSessionThatTheyWereMadeFor() {
        SessionId session = store.sessions()
                .create(user, new ProviderId("codex"), TestStore.HOST)
                .id();
        StoredMachine browser = plan(user, session);
        plan(user, null);
        assertThat(machines.list(Scope.of(user), MachineQuery.of(session, VmType.BROWSER), null, 10)
                        .items())
                .extracting(StoredMachine::id)
                .containsExactly(browser.id());
        assertThat(machines.list(Scope.of(user), MachineQuery.of(session, VmType.CLI), null, 10)
                        .items())
                .isEmpty();
    }

    @Test
    void anOutcomeIsToldOnce() {
        Cause cause = Cause.of(CauseCode.KERNEL_PANIC, "");
        MachineId broken = reach(MachineState.STARTING).id();
        machines.transition(broken, MachineLife.Event.END, MachineChange.none().cause(cause));
        machines.transition(broken, MachineLife.Event.GONE, MachineChange.none());
        assertThat(store.outcomes().of(broken.value())).containsExactly("failed with KERNEL_PANIC");

        MachineId given = reach(MachineState.STARTING).id();
        machines.transition(given, MachineLife.Event.END, MachineChange.none());
        assertThat(store.outcomes().of(given.value())).as("nothing failed").isEmpty();

        MachineId well = reach(MachineState.READY).id();
        machines.transition(well, MachineLife.Event.END, MachineChange.none().cause(cause));
        assertThatThrownBy(() -> machines.transition(well, MachineLife.Event.END, MachineChange.none()))
                .isInstanceOf(FailureException.class);
        assertThat(store.outcomes().of(well.value())).as("its start was well").containsExactly("ready");
    }

    @Test
    void howFastAFailureWasNamedIsToldOnceAndNotAgainByItsSession() {
        SessionId session = store.sessions()
                .create(user, new ProviderId("codex"), TestStore.HOST)
                .id();
        StoredMachine machine = plan(user, session);
        store.timelines()
                .append(
                        TimelineId.of(machine.id()),
                        "failed",
                        "It failed.",
                        Map.of(TimelineStore.SIGN_TO_VERDICT, "123457"));
        store.timelines()
                .append(
                        TimelineId.of(session),
                        "browser.failed",
                        "It failed.",
                        Map.of(TimelineStore.SIGN_TO_VERDICT, "123457"));
        store.timelines()
                .append(
                        TimelineId.of(machine.id()),
                        "failed",
                        "It failed.",
                        Map.of(TimelineStore.SIGN_TO_VERDICT, "soon"));
        assertThat(store.outcomes().of("diagnosis")).containsExactly("took 123457");
    }

    private StoredMachine plan(@Nullable UserId owner, @Nullable SessionId session) {
        return machines.plan(new MachineStore.NewMachine(
                MachineId.random(),
                VmType.BROWSER,
                owner,
                session,
                "sha256-of-an-image",
                "qemu",
                token,
                TestStore.HOST,
                Set.of()));
    }

    private StoredMachine reach(MachineState state) {
        StoredMachine machine = plan(user, null);
        List<MachineLife.Event> way = switch (state) {
            case PLANNED -> List.of();
            case STARTING -> List.of(MachineLife.Event.START);
            case READY -> List.of(MachineLife.Event.START, MachineLife.Event.AGENT_READY);
            case DESTROYING -> List.of(MachineLife.Event.END);
            case DESTROYED -> List.of(MachineLife.Event.END, MachineLife.Event.GONE);
            case LOST -> List.of(MachineLife.Event.START, MachineLife.Event.LOSE);
        };
        for (MachineLife.Event event : way) {
            machine = machines.transition(machine.id(), event, MachineChange.none());
        }
        return machine;
    }

    private List<TimelineEvent> events(MachineId id) {
        return store.timelines().read(Scope.all(), TimelineId.of(id), 0, 1000);
    }
}
