package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Machines that are kept ready become one user's each. */
@ExtendWith(TestStore.Extension.class)
final class MachineClaimTest {
    private static final int ORDERS = 300;
    private static final int KEPT = 3;
    private static final int CLAIMERS = 6;

    private final TestStore store;
    private final MachineStore machines;
    private final UserId user;

    MachineClaimTest(TestStore store) {
        this.store = store;
        this.machines = store.machines();
        this.user = store.newUser();
    }

    @Test
    void itBecomesItsUsersWithItsTimelineAndItsWayOut() {
        StoredMachine kept = kept(VmType.CLI, TestStore.HOST);
        assertThat(kept.purpose()).isEqualTo(Purpose.POOL);
        assertThat(machines.find(Scope.of(user), kept.id())).isEmpty();
        assertThat(claim(kept.id(), null)).isPresent();
        StoredMachine given = machines.get(Scope.of(user), kept.id());
        assertThat(given.user()).isEqualTo(user);
        assertThat(given.purpose()).isEqualTo(Purpose.USER);
        assertThat(given.egress()).containsExactly("a.example");
        assertThat(given.version()).isEqualTo(kept.version() + 1);
        assertThat(steps(TimelineId.of(kept.id())))
                .containsExactly("machine.planned", "machine.starting", "machine.ready", "claimed");
    }

    @Test
    void onlyWhatIsKeptReadyOnThatHostIsGiven() {
        StoredMachine kept = kept(VmType.CLI, TestStore.HOST);
        assertThat(machines.claim(kept.id(), store.newHost(), user, null, Set.of()))
                .as("another host's")
                .isEmpty();
        assertThat(claim(store.plan(VmType.CLI, null, null, TestStore.HOST).id(), null))
                .as("not ready")
                .isEmpty();
        StoredMachine anothers = kept(VmType.CLI, TestStore.HOST);
        assertThat(machines.claim(anothers.id(), TestStore.HOST, store.newUser(), null, Set.of()))
                .isPresent();
        assertThat(claim(anothers.id(), null)).as("given before").isEmpty();
        StoredMachine ends = kept(VmType.CLI, TestStore.HOST);
        machines.transition(ends.id(), MachineLife.Event.END, MachineChange.none());
        assertThat(claim(ends.id(), null)).as("it ends").isEmpty();
        assertThat(claim(MachineId.random(), null)).as("there is none").isEmpty();
        assertThat(claim(kept.id(), null)).as("none of that has touched it").isPresent();
    }

    @Test
    void aTemplatesMachineIsNobodysEver() {
        MachineId id = MachineId.random();
        StoredMachine begun = machines.begin(
                new MachineStore.NewMachine(
                        id,
                        VmType.CLI,
                        null,
                        null,
                        "image",
                        "fake",
                        Secret.random(16),
                        TestStore.HOST,
                        Set.of(),
                        Purpose.TEMPLATE),
                List.of(new TimelineStore.Entry(TimelineId.of(id), "boots", "It boots.", Map.of())));
        assertThat(begun.purpose()).isEqualTo(Purpose.TEMPLATE);
        assertThat(steps(TimelineId.of(id))).containsExactly("machine.planned", "machine.starting", "boots");
        machines.transition(id, MachineLife.Event.AGENT_READY, MachineChange.none());
        assertThat(claim(id, null)).isEmpty();
    }

    @Test
    void aBrowserMachineBecomesItsSessions() {
        SessionId session = session();
        StoredMachine kept = kept(VmType.BROWSER, TestStore.HOST);
        assertThat(claim(kept.id(), session)).isPresent();
        assertThat(store.sessions().get(Scope.of(user), session).browserMachine())
                .isEqualTo(kept.id());
        assertThat(steps(TimelineId.of(session))).contains("browser.claimed");
    }

    @Test
    void noneIsGivenToASessionThatHasEnded() {
        SessionId session = session();
        store.sessions().transition(Scope.all(), session, SessionLife.Event.CANCEL, SessionChange.none());
        StoredMachine kept = kept(VmType.BROWSER, TestStore.HOST);
        assertThatThrownBy(() -> claim(kept.id(), session)).isInstanceOf(FailureException.class);
        assertThat(machines.get(Scope.all(), kept.id())).isEqualTo(kept);
    }

    @Test
    void whoeverWantsThemInWhateverOrderEachIsGivenOnce() throws Exception {
        long seed = Long.getLong("sallyport.test.seed", 1L);
        HostId host = store.newHost();
        try (Database another = Database.open(store.postgres().access(), InstantSource.system());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var timelines = new TimelineStore(another, new TimelineSignals(), OutcomeListener.NONE);
            var others = new MachineStore(another, timelines, store.vault(), OutcomeListener.NONE);
            for (int order = 0; order < ORDERS; order++) {
                var random = new Random(seed * 1_000_003 + order);
                List<MachineId> kept = new ArrayList<>();
                for (int i = 0; i < KEPT; i++) {
                    kept.add(kept(VmType.CLI, host).id());
                }
                Map<UserId, MachineId> given = new ConcurrentHashMap<>();
                var begin = new CyclicBarrier(CLAIMERS);
                List<Future<?>> claimers = new ArrayList<>();
                for (int i = 0; i < CLAIMERS; i++) {
                    List<MachineId> tried = new ArrayList<>(kept);
                    Collections.shuffle(tried, random);
                    MachineStore side = i % 2 == 0 ? machines : others;
                    claimers.add(threads.submit(claimer(begin, side, host, store.newUser(), tried, given)));
                }
                for (Future<?> claimer : claimers) {
                    claimer.get();
                }
                assertThat(given.values())
                        .as("order %d of seed %d", order, seed)
                        .containsExactlyInAnyOrderElementsOf(kept);
                given.forEach((owner, id) ->
                        assertThat(machines.get(Scope.of(owner), id).user()).isEqualTo(owner));
            }
        }
    }

    /** Takes the first that it gets. */
    private static Callable<Void> claimer(
            CyclicBarrier begin,
            MachineStore side,
            HostId host,
            UserId claimer,
            List<MachineId> tried,
            Map<UserId, MachineId> given) {
        return () -> {
            begin.await();
            for (MachineId id : tried) {
                if (side.claim(id, host, claimer, null, Set.of()).isPresent()) {
                    given.put(claimer, id);
                    break;
                }
            }
            return null;
        };
    }

    private Optional<StoredMachine> claim(MachineId id, @Nullable SessionId session) {
        return machines.claim(id, TestStore.HOST, user, session, Set.of("a.example"));
    }

    private SessionId session() {
        return store.sessions()
                .create(user, new ProviderId("codex"), TestStore.HOST)
                .id();
    }

    private StoredMachine kept(VmType type, HostId host) {
        StoredMachine planned = store.plan(type, null, null, host);
        machines.transition(planned.id(), MachineLife.Event.START, MachineChange.none());
        return machines.transition(planned.id(), MachineLife.Event.AGENT_READY, MachineChange.none());
    }

    private List<String> steps(TimelineId timeline) {
        return store.timelines().read(Scope.all(), timeline, 0, 100).stream()
                .map(TimelineEvent::step)
                .toList();
    }
}
