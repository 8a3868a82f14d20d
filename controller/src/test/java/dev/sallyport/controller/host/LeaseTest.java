package dev.sallyport.controller.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.controller.store.Await;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.HostStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.StoredHost;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.Wire;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A host's right to act, on a real database. */
@ExtendWith(TestStore.Extension.class)
final class LeaseTest {
    private static final Duration LONG = Duration.ofHours(1);
    /** Renewed three times as often, and over by itself before a test's patience is. */
    private static final Duration SHORT = Duration.ofMillis(1500);

    private final TestStore store;
    private final HostStore hosts;
    private final List<Lease> leases = new ArrayList<>();

    LeaseTest(TestStore store) {
        this.store = store;
        this.hosts = store.hosts();
    }

    @AfterEach
    void close() {
        leases.forEach(Lease::close);
    }

    @Test
    void isTakenAndHeld() throws InterruptedException {
        Lease lease = take(hosts, HostId.random(), LONG);
        assertThat(lease.isHeld()).isTrue();
        lease.term().mustHold();
        StoredHost host = hosts.find(lease.host()).orElseThrow();
        assertThat(host.state()).isEqualTo(StoredHost.State.HELD);
        assertThat(host.epoch()).isEqualTo(1);
        assertThat(take(hosts, lease.host(), LONG).isHeld()).isTrue();
        assertThat(hosts.find(lease.host()).orElseThrow().epoch())
                .as("taken anew")
                .isEqualTo(2);
    }

    @Test
    void isRenewedAndAnnounced() throws InterruptedException {
        Lease lease = take(hosts, HostId.random(), SHORT);
        Instant first = hosts.find(lease.host()).orElseThrow().leaseUntil();
        lease.announce("http://127.0.0.1:1234");
        lease.keep(new Told(lease));
        Await.until("two renewals", () -> lease.renewals() >= 2);
        StoredHost host = hosts.find(lease.host()).orElseThrow();
        assertThat(host.leaseUntil()).isAfter(first);
        assertThat(host.address()).isEqualTo("http://127.0.0.1:1234");
        assertThat(host.epoch()).as("renewed, not taken").isEqualTo(1);
        assertThat(lease.losses()).isZero();
    }

    @Test
    void thatOfAnotherIsSweptWhenItLapsed() throws InterruptedException {
        HostId dead = store.newHost();
        var user = store.newUser();
        SessionId session =
                store.sessions().create(user, new ProviderId("codex"), dead).id();
        MachineId browser = store.plan(VmType.BROWSER, user, session, dead).id();
        MachineId cli = store.plan(VmType.CLI, user, null, dead).id();
        store.lapse(dead);

        Lease lease = take(hosts, HostId.random(), LONG);
        var told = new Told(lease, dead);
        lease.keep(told);
        assertThat(told.next()).isEqualTo("swept " + dead);

        assertThat(hosts.find(dead).orElseThrow().state()).isEqualTo(StoredHost.State.LOST);
        var failed = store.sessions().get(Scope.all(), session);
        assertThat(failed.status()).isEqualTo(SessionStatus.FAILED);
        assertThat(failed.cause()).extracting(Cause::code).isEqualTo(CauseCode.HOST_LOST);
        for (MachineId machine : List.of(browser, cli)) {
            assertThat(store.machines().get(Scope.all(), machine).state()).isEqualTo(MachineState.LOST);
            assertThat(lastStep(TimelineId.of(machine))).isEqualTo("machine.lost HOST_LOST");
        }
        assertThat(lastStep(TimelineId.of(session))).isEqualTo("session.failed HOST_LOST");
    }

    @Test
    void whoActsWaitsWhileTheDatabaseIsAwayAndGoesOn() throws Exception {
        try (Wire wire = Wire.to(store.postgres().started().port());
                Database far = Database.open(wire.access(store.postgres().access()), InstantSource.system())) {
            Lease lease = take(new HostStore(far, store.sessions(), store.machines()), HostId.random(), SHORT);
            var told = new Told(lease);
            Lease.Term term = lease.term();
            lease.keep(told);
            wire.cut();
            Await.until("a lease that is good no more", () -> !lease.isHeld());
            var actor = new Actor(term);
            actor.awaitWaiting();
            wire.restore();
            assertThat(actor.outcome()).isEqualTo("acts");
            assertThat(told.words).as("nobody has swept it: nothing was lost").isEmpty();
            assertThat(hosts.find(lease.host()).orElseThrow().epoch()).isEqualTo(1);
            lease.close();
        }
    }

    @Test
    void whoActsIsToldThatTheTermIsOver() throws Exception {
        Lease lease = take(hosts, HostId.random(), SHORT);
        Lease.Term before = lease.term();
        Await.until("a lease that is good no more", () -> !lease.isHeld());
        var actor = new Actor(before);
        actor.awaitWaiting();
        store.lapse(lease.host());
        hosts.sweep();
        var told = new Told(lease);
        lease.keep(told);

        assertThat(actor.outcome()).isEqualTo("HOST_LOST");
        assertThat(told.next()).isEqualTo("lost, held false");
        assertThat(told.next()).startsWith("held");
        lease.term().mustHold();
        assertThatThrownBy(before::mustHold)
                .as("a new term does not revive the old one")
                .isInstanceOfSatisfying(
                        FailureException.class,
                        lost -> assertThat(lost.reason().code()).isEqualTo(CauseCode.HOST_LOST));
        StoredHost host = hosts.find(lease.host()).orElseThrow();
        assertThat(host.epoch()).isEqualTo(2);
        assertThat(host.state()).isEqualTo(StoredHost.State.HELD);
        assertThat(lease.losses()).isEqualTo(1);
    }

    @Test
    void oneThatSomebodyElseTookIsLost() throws Exception {
        Lease lease = take(hosts, HostId.random(), LONG);
        hosts.take(lease.host(), "another", "", LONG);
        var told = new Told(lease);
        lease.keep(told);
        assertThat(told.next()).isEqualTo("lost, held false");
        assertThat(told.next()).isEqualTo("held, held true");
        assertThat(hosts.find(lease.host()).orElseThrow().epoch()).isEqualTo(3);
    }

    @Test
    void isGivenBackWithTimeLeft() throws Exception {
        Lease lease = take(hosts, HostId.random(), LONG);
        lease.keep(new Told(lease));
        Lease.Term term = lease.term();
        lease.release(LONG);
        assertThat(lease.isHeld()).isFalse();
        assertThatThrownBy(term::mustHold).isInstanceOf(FailureException.class);
        assertThat(hosts.sweep()).extracting(StoredHost::id).doesNotContain(lease.host());
        assertThat(hosts.find(lease.host()).orElseThrow().state()).isEqualTo(StoredHost.State.RELEASED);
    }

    private Lease take(HostStore where, HostId host, Duration length) {
        Lease lease = Lease.take(where, host, "of a test", length);
        leases.add(lease);
        return lease;
    }

    private String lastStep(TimelineId timeline) {
        var last = store.timelines().read(Scope.all(), timeline, 0, 100).getLast();
        return last.step() + " " + last.details().get("cause");
    }

    /** Somebody who wants to act in a term. */
    private static final class Actor {
        private final CompletableFuture<String> outcome = new CompletableFuture<>();
        private final Thread thread;

        Actor(Lease.Term term) {
            thread = Thread.ofVirtual().start(() -> {
                try {
                    term.mustHold();
                    outcome.complete("acts");
                } catch (FailureException e) {
                    outcome.complete(e.reason().code().name());
                } catch (InterruptedException e) {
                    outcome.complete("interrupted");
                }
            });
        }

        void awaitWaiting() throws InterruptedException {
            Await.until("somebody who waits", () -> thread.getState() == Thread.State.WAITING);
            assertThat(outcome.isDone()).isFalse();
        }

        String outcome() throws Exception {
            return outcome.get(60, TimeUnit.SECONDS);
        }
    }

    private static final class Told implements Lease.Listener {
        private final Lease lease;
        /** Other tests' hosts lapse too. */
        private final Set<HostId> others;

        private final BlockingQueue<String> words = new LinkedBlockingQueue<>();

        Told(Lease lease, HostId... others) {
            this.lease = lease;
            this.others = Set.of(others);
        }

        String next() throws InterruptedException {
            String word = words.poll(60, TimeUnit.SECONDS);
            return word == null ? "nothing was told" : word;
        }

        @Override
        public void lost() {
            words.add("lost, held " + lease.isHeld());
        }

        @Override
        public void held() {
            words.add("held, held " + lease.isHeld());
        }

        @Override
        public void swept(List<StoredHost> swept) {
            swept.stream().map(StoredHost::id).filter(others::contains).forEach(host -> words.add("swept " + host));
        }
    }
}
