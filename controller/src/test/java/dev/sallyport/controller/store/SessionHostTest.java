package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Sessions and the hosts that work on them, and how long an ended one's browser machine is asked to stay. */
@ExtendWith(TestStore.Extension.class)
final class SessionHostTest {
    private static final ProviderId CODEX = new ProviderId("codex");
    private static final ProviderId CLAUDE = new ProviderId("claude_code");

    private final TestStore store;
    private final SessionStore sessions;
    private final UserId user;
    private final HostId here;
    private final HostId there;

    SessionHostTest(TestStore store) {
        this.store = store;
        this.sessions = store.sessions();
        this.user = store.newUser();
        this.here = store.newHost();
        this.there = store.newHost();
    }

    @Test
    void goesToTheHostThatWasAsked() {
        StoredSession session = create(CODEX, here);
        assertThat(session.host()).isEqualTo(here);
        assertThat(sessions.notEnded(here)).extracting(StoredSession::id).containsExactly(session.id());
        assertThat(sessions.notEnded(there)).isEmpty();
        assertThat(sessions.runningOf(user, CODEX)).contains(session);
        assertThat(sessions.create(store.newUser(), CODEX, null).host()).isNull();
    }

    @Test
    void goesToTheHostOfTheUsersCliMachine() {
        MachineId cli = store.plan(VmType.CLI, user, null, there).id();
        store.plan(VmType.BROWSER, user, null, here);
        assertThat(create(CODEX, here).host()).isEqualTo(there);
        assertThat(sessions.create(store.newUser(), CODEX, here).host())
                .as("another user's")
                .isEqualTo(here);
        cancel(sessions.runningOf(user, CODEX).orElseThrow().id());
        store.machines().transition(cli, MachineLife.Event.END, MachineChange.none());
        assertThat(create(CODEX, here).host()).as("it ends").isEqualTo(here);
    }

    @Test
    void goesToTheHostOfTheUsersOtherSession() {
        SessionId other = create(CLAUDE, there).id();
        assertThat(create(CODEX, here).host()).isEqualTo(there);
        cancel(other);
        cancel(sessions.runningOf(user, CODEX).orElseThrow().id());
        assertThat(create(CODEX, here).host()).as("those have ended").isEqualTo(here);
    }

    @Test
    void doesNotGoToAHostThatIsLost() {
        store.plan(VmType.CLI, user, null, there);
        store.database()
                .useTransaction(
                        Scope.all(),
                        handle -> handle.execute("UPDATE hosts SET state = 'lost' WHERE id = ?", there.value()));
        assertThat(create(CODEX, here).host()).isEqualTo(here);
    }

    @Test
    void twoAtOnceOnTwoHostsLandOnOne() throws InterruptedException {
        for (int round = 0; round < 20; round++) {
            UserId somebody = store.newUser();
            Queue<HostId> asked = new ConcurrentLinkedQueue<>(List.of(here, there));
            Queue<ProviderId> providers = new ConcurrentLinkedQueue<>(List.of(CODEX, CLAUDE));
            List<Object> outcomes = Race.of(
                    2,
                    () -> sessions.create(somebody, providers.remove(), asked.remove())
                            .host());
            assertThat(outcomes).hasSize(2).containsAnyOf(here, there);
            assertThat(outcomes.getFirst()).isEqualTo(outcomes.getLast());
        }
    }

    @Test
    void onlyWhatHasEndedIsKeptOrReleased() {
        SessionId id = create(CODEX, here).id();
        Instant until = store.database().now().plusSeconds(300);
        assertThatThrownBy(() -> sessions.keep(id, until))
                .isInstanceOfSatisfying(FailureException.class, this::isConflict);
        assertThatThrownBy(() -> sessions.release(id)).isInstanceOfSatisfying(FailureException.class, this::isConflict);
        StoredSession running = sessions.get(Scope.all(), id);
        assertThat(running.keptUntil()).isNull();
        assertThat(running.released()).isFalse();
        cancel(id);
        assertThat(sessions.keep(id, until).keptUntil()).isEqualTo(until);
        assertThat(sessions.release(id).released()).isTrue();
        assertThat(store.timelines().read(Scope.all(), TimelineId.of(id), 0, 100))
                .extracting(TimelineEvent::step)
                .containsExactly("session.initializing", "session.cancelled", "browser.stay", "browser.stay");
    }

    @Test
    void endedOnesWhoseBrowserMachineIsThereAreFound() {
        SessionId id = create(CODEX, here).id();
        MachineId browser = store.plan(VmType.BROWSER, user, id, here).id();
        assertThat(sessions.endedWithBrowser(here)).as("it has not ended").isEmpty();
        cancel(id);
        assertThat(sessions.endedWithBrowser(here))
                .extracting(StoredSession::id)
                .containsExactly(id);
        assertThat(sessions.endedWithBrowser(there)).isEmpty();
        store.machines().transition(browser, MachineLife.Event.END, MachineChange.none());
        assertThat(sessions.endedWithBrowser(here)).as("not gone yet").hasSize(1);
        store.machines().transition(browser, MachineLife.Event.GONE, MachineChange.none());
        assertThat(sessions.endedWithBrowser(here)).isEmpty();
    }

    @Test
    void viewersOfAHostThatStartsAnewAreForgotten() {
        Queue<SessionId> timed = new ConcurrentLinkedQueue<>();
        var timing = new SessionStore(
                store.database(),
                store.timelines(),
                OutcomeListener.NONE,
                (handle, session) -> timed.add(session.id()));
        SessionId watched = create(CODEX, here).id();
        SessionId alone = create(CLAUDE, here).id();
        SessionId elsewhere = sessions.create(store.newUser(), CODEX, there).id();
        sessions.viewers(watched, 3);
        sessions.viewers(elsewhere, 1);
        Instant before = store.database().now();
        timing.forgetViewers(here);
        StoredSession after = sessions.get(Scope.all(), watched);
        assertThat(after.viewers()).isZero();
        assertThat(after.lastViewed()).as("as if they left now").isAfterOrEqualTo(before);
        assertThat(sessions.get(Scope.all(), alone).lastViewed()).isNull();
        assertThat(sessions.get(Scope.all(), elsewhere).viewers()).isEqualTo(1);
        assertThat(timed).as("whose timers moved").containsExactly(watched);
    }

    private StoredSession create(ProviderId provider, HostId asked) {
        return sessions.create(user, provider, asked);
    }

    private void cancel(SessionId id) {
        sessions.transition(Scope.all(), id, SessionLife.Event.CANCEL, SessionChange.none());
    }

    private void isConflict(FailureException refused) {
        assertThat(refused.reason().code()).isEqualTo(CauseCode.CONFLICT);
    }
}
