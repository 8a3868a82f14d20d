package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(TestStore.Extension.class)
final class HostStoreTest {
    private static final Duration HOUR = Duration.ofHours(1);

    private final TestStore store;
    private final HostStore hosts;
    private final HostId host;
    private final UserId user;

    HostStoreTest(TestStore store) {
        this.store = store;
        this.hosts = store.hosts();
        this.host = store.newHost();
        this.user = store.newUser();
    }

    @Test
    void isFoundAsItWasTaken() {
        hosts.take(host, "rack 1", "http://10.0.0.1:8080", HOUR);
        StoredHost found = found();
        assertThat(found.name()).isEqualTo("rack 1");
        assertThat(found.address()).isEqualTo("http://10.0.0.1:8080");
        assertThat(found.epoch()).isEqualTo(2);
        assertThat(found.leaseUntil()).isEqualTo(found.startedAt().plus(HOUR));
        assertThat(hosts.all()).contains(found);
        assertThat(hosts.find(HostId.random())).isEmpty();
    }

    @Test
    void isRenewedWhileNobodySweptOrTookIt() {
        store.lapse(host);
        assertThat(hosts.renew(host, 1, "", HOUR))
                .as("lapsed, and nobody has seen it")
                .isTrue();
        assertThat(sweep()).isEmpty();
        store.lapse(host);
        assertThat(sweep()).containsExactly(host);
        assertThat(hosts.renew(host, 1, "", HOUR)).as("swept").isFalse();
        assertThat(found().state()).isEqualTo(StoredHost.State.LOST);
        assertThat(hosts.take(host, "again", "", HOUR).epoch()).isEqualTo(2);
        assertThat(found().state()).isEqualTo(StoredHost.State.HELD);
        assertThat(hosts.renew(host, 1, "", HOUR)).as("taken since").isFalse();
        assertThat(hosts.renew(host, 2, "", HOUR)).isTrue();
    }

    @Test
    void givenBackItIsSweptWhenItsTimeIsOver() {
        hosts.release(host, 7, Duration.ZERO);
        assertThat(found().state()).as("of another epoch").isEqualTo(StoredHost.State.HELD);
        MachineId cli = store.plan(VmType.CLI, user, null, host).id();
        hosts.release(host, 1, HOUR);
        assertThat(found().state()).isEqualTo(StoredHost.State.RELEASED);
        assertThat(hosts.renew(host, 1, "", HOUR)).as("given back").isFalse();
        assertThat(sweep()).isEmpty();
        assertThat(machine(cli)).isEqualTo(MachineState.PLANNED);
        store.lapse(host);
        assertThat(sweep()).containsExactly(host);
        assertThat(machine(cli)).isEqualTo(MachineState.LOST);
    }

    @Test
    void ofEightThatSweepAtOnceOneDoes() throws InterruptedException {
        SessionId session =
                store.sessions().create(user, new ProviderId("codex"), host).id();
        MachineId browser = store.plan(VmType.BROWSER, user, session, host).id();
        store.lapse(host);
        List<Object> outcomes = Race.of(8, () -> (long) sweep().size());
        assertThat(outcomes).containsOnly(0L, 1L).containsOnlyOnce(1L);
        assertThat(steps(TimelineId.of(session))).containsExactly("session.initializing", "session.failed");
        assertThat(steps(TimelineId.of(browser))).containsExactly("machine.planned", "machine.lost");
    }

    @Test
    void allOfAHostIsLostInOneTransaction() {
        SessionId session =
                store.sessions().create(user, new ProviderId("codex"), host).id();
        MachineId browser = store.plan(VmType.BROWSER, user, session, host).id();
        MachineId cli = store.plan(VmType.CLI, user, null, host).id();
        store.lapse(host);
        sweep();
        List<String> writers = List.of(
                writer("sessions", session.value()),
                writer("machines", browser.value()),
                writer("machines", cli.value()));
        assertThat(writers).containsOnly(writer("hosts", host.value()));
    }

    @Test
    void ifOneThingOfItFailsNothingIsLost() {
        SessionId session =
                store.sessions().create(user, new ProviderId("codex"), host).id();
        MachineId cli = store.plan(VmType.CLI, user, null, host).id();
        store.lapse(host);
        var failing = new HostStore(
                store.database(),
                new SessionStore(store.database(), store.timelines(), OutcomeListener.NONE, (handle, changed) -> {
                    throw new IllegalStateException("on purpose");
                }),
                store.machines());
        assertThatThrownBy(failing::sweep).hasMessage("on purpose");
        assertThat(found().state()).isEqualTo(StoredHost.State.HELD);
        assertThat(store.sessions().get(Scope.all(), session).status()).isEqualTo(SessionStatus.INITIALIZING);
        assertThat(machine(cli)).isEqualTo(MachineState.PLANNED);
        assertThat(sweep()).as("the next one sweeps it").containsExactly(host);
    }

    @Test
    void whatHasEndedAndWhatIsElsewhereStays() {
        SessionId ended =
                store.sessions().create(user, new ProviderId("codex"), host).id();
        store.sessions().transition(Scope.all(), ended, SessionLife.Event.CANCEL, SessionChange.none());
        MachineId gone = store.plan(VmType.CLI, user, null, host).id();
        store.machines().transition(gone, MachineLife.Event.END, MachineChange.none());
        store.machines().transition(gone, MachineLife.Event.GONE, MachineChange.none());
        HostId other = store.newHost();
        UserId somebody = store.newUser();
        SessionId elsewhere = store.sessions()
                .create(somebody, new ProviderId("codex"), other)
                .id();
        store.lapse(host);
        assertThat(sweep()).containsExactly(host);
        assertThat(store.sessions().get(Scope.all(), ended).status()).isEqualTo(SessionStatus.CANCELLED);
        assertThat(machine(gone)).isEqualTo(MachineState.DESTROYED);
        assertThat(store.sessions().get(Scope.all(), elsewhere).status()).isEqualTo(SessionStatus.INITIALIZING);
        assertThat(sweep()).as("once").isEmpty();
    }

    /** This test's host only: others have theirs. */
    private List<HostId> sweep() {
        return hosts.sweep().stream().map(StoredHost::id).filter(host::equals).toList();
    }

    private StoredHost found() {
        return hosts.find(host).orElseThrow();
    }

    private MachineState machine(MachineId id) {
        return store.machines().get(Scope.all(), id).state();
    }

    private List<String> steps(TimelineId timeline) {
        return store.timelines().read(Scope.all(), timeline, 0, 100).stream()
                .map(event -> event.step())
                .toList();
    }

    /** The transaction that wrote a row last. */
    private String writer(String table, String id) {
        return store.database()
                .inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery("SELECT CAST(xmin AS text) FROM " + table + " WHERE id = ?")
                                .bind(0, id)
                                .mapTo(String.class)
                                .one());
    }
}
