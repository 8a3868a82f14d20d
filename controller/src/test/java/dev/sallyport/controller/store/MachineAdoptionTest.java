package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a machine's record holds for the controller that takes it over. */
@ExtendWith(TestStore.Extension.class)
final class MachineAdoptionTest {
    private static final InetSocketAddress AGENT = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 18080);
    private static final InetSocketAddress STREAMS = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 18081);

    private final TestStore store;
    private final MachineStore machines;
    private final UserId user;
    private final HostId host;

    MachineAdoptionTest(TestStore store) {
        this.store = store;
        this.machines = store.machines();
        this.user = store.newUser();
        this.host = store.newHost();
    }

    @Test
    void aPlannedMachineKeepsItsHostAndItsWayOut() {
        MachineId id = MachineId.random();
        machines.plan(new MachineStore.NewMachine(
                id,
                VmType.CLI,
                user,
                null,
                "image",
                "fake",
                Secret.random(16),
                host,
                Set.of("a.example", "b.example")));
        StoredMachine found = machines.get(Scope.all(), id);
        assertThat(found.host()).isEqualTo(host);
        assertThat(found.egress()).containsExactlyInAnyOrder("a.example", "b.example");
        assertThat(found.handle()).isNull();
        assertThat(machines.notDestroyed(host)).extracting(StoredMachine::id).containsExactly(id);
        assertThat(machines.notDestroyed(store.newHost())).isEmpty();
    }

    @Test
    void aBrowserMachineIsItsSessionsFromTheBeginning() {
        SessionId session = session();
        MachineId browser = plan(VmType.BROWSER, session);
        assertThat(store.sessions().get(Scope.all(), session).browserMachine()).isEqualTo(browser);
        plan(VmType.CLI, session);
        assertThat(store.sessions().get(Scope.all(), session).browserMachine())
                .as("a CLI machine is not its browser")
                .isEqualTo(browser);
    }

    @Test
    void noBrowserMachineIsPlannedForASessionThatHasEnded() {
        SessionId session = session();
        store.sessions().transition(Scope.all(), session, SessionLife.Event.CANCEL, SessionChange.none());
        assertThatThrownBy(() -> plan(VmType.BROWSER, session))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        refused -> assertThat(refused.reason().code()).isEqualTo(CauseCode.CONFLICT));
        assertThat(machines.notDestroyed(host)).as("nothing of it is on record").isEmpty();
        assertThat(store.sessions().get(Scope.all(), session).browserMachine()).isNull();
    }

    @Test
    void itRunsOnlyWhileItStarts() {
        for (MachineState state : MachineState.values()) {
            StoredMachine before = reach(state);
            if (state == MachineState.STARTING) {
                StoredMachine runs = machines.runs(before.id(), "pid 7", AGENT, STREAMS);
                assertThat(runs.handle()).isEqualTo("pid 7");
                assertThat(runs.agent()).isEqualTo(AGENT);
                assertThat(runs.streams()).isEqualTo(STREAMS);
                assertThat(runs.state()).isEqualTo(MachineState.STARTING);
                assertThat(runs.version()).isEqualTo(before.version() + 1);
                assertThat(machines.transition(before.id(), MachineLife.Event.AGENT_READY, MachineChange.none())
                                .handle())
                        .as("kept")
                        .isEqualTo("pid 7");
            } else {
                assertThatThrownBy(() -> machines.runs(before.id(), "pid 7", AGENT, STREAMS))
                        .as(state.wire())
                        .isInstanceOfSatisfying(FailureException.class, refused -> {
                            assertThat(refused.reason().code()).isEqualTo(CauseCode.CONFLICT);
                            assertThat(refused.reason().detail()).contains(state.wire());
                        });
                assertThat(machines.get(Scope.all(), before.id())).isEqualTo(before);
            }
        }
        assertThatThrownBy(() -> machines.runs(MachineId.random(), "pid 7", AGENT, STREAMS))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        none -> assertThat(none.reason().code()).isEqualTo(CauseCode.NOT_FOUND));
    }

    @Test
    void whetherItWasGivenTheCredentialsIsKept() {
        MachineId one = plan(VmType.CLI, null);
        MachineId other = plan(VmType.CLI, null);
        assertThat(machines.isFurnished(one)).isFalse();
        machines.furnished(one);
        machines.furnished(one);
        assertThat(machines.isFurnished(one)).isTrue();
        assertThat(machines.isFurnished(other)).isFalse();
        assertThat(machines.isFurnished(MachineId.random())).isFalse();
    }

    @Test
    void theUsersCliMachineIsTheNewestThatIsUpOrComingUp() {
        assertThat(machines.cliOf(user)).isEmpty();
        plan(VmType.BROWSER, session());
        assertThat(machines.cliOf(user)).as("a browser machine is none").isEmpty();
        MachineId older = plan(VmType.CLI, null);
        MachineId newer = plan(VmType.CLI, null);
        store.plan(VmType.CLI, store.newUser(), null, host);
        assertThat(machines.cliOf(user)).map(StoredMachine::id).contains(newer);
        machines.transition(newer, MachineLife.Event.END, MachineChange.none());
        assertThat(machines.cliOf(user)).map(StoredMachine::id).contains(older);
        machines.transition(older, MachineLife.Event.LOSE, MachineChange.none());
        assertThat(machines.cliOf(user)).isEmpty();
    }

    @Test
    void whatIsNotDestroyedIsCounted() {
        for (MachineState state : MachineState.values()) {
            long before = count(state);
            StoredMachine made = reach(state);
            assertThat(count(state)).as(state.wire()).isEqualTo(state == MachineState.DESTROYED ? 0 : before + 1);
            assertThat(made.state()).isEqualTo(state);
        }
    }

    private long count(MachineState state) {
        return machines.counts().stream()
                .filter(count -> count.type() == VmType.CLI && count.state() == state)
                .mapToLong(MachineStore.Count::machines)
                .sum();
    }

    private SessionId session() {
        return store.sessions().create(user, new ProviderId("codex"), host).id();
    }

    private MachineId plan(VmType type, @Nullable SessionId session) {
        return store.plan(type, user, session, host).id();
    }

    private StoredMachine reach(MachineState state) {
        StoredMachine machine = store.plan(VmType.CLI, user, null, host);
        for (MachineLife.Event event : switch (state) {
            case PLANNED -> new MachineLife.Event[] {};
            case STARTING -> new MachineLife.Event[] {MachineLife.Event.START};
            case READY -> new MachineLife.Event[] {MachineLife.Event.START, MachineLife.Event.AGENT_READY};
            case DESTROYING -> new MachineLife.Event[] {MachineLife.Event.END};
            case DESTROYED -> new MachineLife.Event[] {MachineLife.Event.END, MachineLife.Event.GONE};
            case LOST -> new MachineLife.Event[] {MachineLife.Event.LOSE};
        }) {
            machine = machines.transition(machine.id(), event, MachineChange.none());
        }
        return machine;
    }
}
