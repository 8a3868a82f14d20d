package dev.sallyport.controller.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.controller.store.OutcomeListener;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionChange;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.SessionTimers;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.VmType;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The timers of a session, on the real database: set, moved and cleared with each change, or not at all. */
@ExtendWith(TestStore.Extension.class)
final class StayTimersTest {
    private final TestStore store;
    private final StayPolicy policy = new StayPolicy(StayPolicyTest.PERIODS);
    private final SessionStore sessions;

    StayTimersTest(TestStore store) {
        this.store = store;
        this.sessions = sessionsWith(policy);
    }

    @Test
    void areSetMovedAndClearedWithTheSession() {
        Instant end = store.database().now().plusSeconds(600);
        SessionId id = create();
        assertThat(timers(id)).as("nothing yet to wait for").isEmpty();
        awaitUser(id, end);
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.SESSION_EXPIRY, end.plusSeconds(5)));
        sessions.update(Scope.all(), id, SessionChange.none().expiringAt(end.plusSeconds(60)));
        assertThat(timers(id)).as("more time").isEqualTo(Map.of(StayPolicy.SESSION_EXPIRY, end.plusSeconds(65)));

        to(id, SessionLife.Event.SIGNED_IN);
        StoredSession completed = to(id, SessionLife.Event.PROVED);
        Instant ended = Objects.requireNonNull(completed.endedAt());
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.BROWSER_END, ended.plusSeconds(30)));

        sessions.viewers(id, 1);
        assertThat(timers(id)).as("watched").isEqualTo(Map.of(StayPolicy.BROWSER_END, ended.plusSeconds(120)));
        Instant left = Objects.requireNonNull(sessions.viewers(id, 0).lastViewed());
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.BROWSER_END, left.plusSeconds(30)));
        sessions.keep(id, ended.plusSeconds(300));
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.BROWSER_END, ended.plusSeconds(300)));
        sessions.release(id);
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.BROWSER_END, ended));
    }

    @Test
    void thereIsNoneForABrowserThatNeverWas() {
        SessionId id = sessions.create(store.newUser(), new ProviderId("codex"), TestStore.HOST)
                .id();
        to(id, SessionLife.Event.CANCEL);
        assertThat(timers(id)).isEmpty();
    }

    @Test
    void areRolledBackWithTheChange() {
        Instant end = store.database().now().plusSeconds(600);
        SessionId id = create();
        awaitUser(id, end);
        SessionTimers interrupted = (handle, session) -> {
            policy.changed(handle, session);
            throw new IllegalStateException("on purpose");
        };
        SessionStore failing = sessionsWith(interrupted);
        assertThatThrownBy(() -> failing.transition(Scope.all(), id, SessionLife.Event.CANCEL, SessionChange.none()))
                .hasMessage("on purpose");
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.SESSION_EXPIRY, end.plusSeconds(5)));
        assertThat(sessions.get(Scope.all(), id).status()).isEqualTo(SessionStatus.AWAITING_USER);

        StoredSession cancelled = to(id, SessionLife.Event.CANCEL);
        assertThatThrownBy(() -> failing.viewers(id, 3)).hasMessage("on purpose");
        assertThat(sessions.get(Scope.all(), id)).isEqualTo(cancelled);
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.BROWSER_END, Objects.requireNonNull(cancelled.endedAt())));
    }

    @Test
    void canBeSetAnew() {
        SessionId id = create();
        StoredSession cancelled = to(id, SessionLife.Event.CANCEL);
        store.database()
                .useTransaction(
                        Scope.all(),
                        handle -> handle.execute("DELETE FROM scheduled_tasks WHERE task_instance = ?", id.value()));
        sessions.resetTimers(id);
        assertThat(timers(id)).isEqualTo(Map.of(StayPolicy.BROWSER_END, Objects.requireNonNull(cancelled.endedAt())));
    }

    private SessionStore sessionsWith(SessionTimers timers) {
        return new SessionStore(store.database(), store.timelines(), OutcomeListener.NONE, timers);
    }

    /** One with a browser machine. */
    private SessionId create() {
        StoredSession session = sessions.create(store.newUser(), new ProviderId("codex"), TestStore.HOST);
        store.plan(VmType.BROWSER, session.user(), session.id(), TestStore.HOST);
        return session.id();
    }

    private void awaitUser(SessionId id, Instant end) {
        to(id, SessionLife.Event.BROWSER_READY);
        sessions.transition(
                Scope.all(),
                id,
                SessionLife.Event.URL_OPENED,
                SessionChange.none().expiringAt(end));
    }

    private StoredSession to(SessionId id, SessionLife.Event event) {
        return sessions.transition(Scope.all(), id, event, SessionChange.none());
    }

    private Map<String, Instant> timers(SessionId id) {
        return store.database()
                .inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery(
                                        "SELECT task_name, execution_time FROM scheduled_tasks WHERE task_instance = ?")
                                .bind(0, id.value())
                                .setMapKeyColumn("task_name")
                                .setMapValueColumn("execution_time")
                                .collectInto(new org.jdbi.v3.core.generic.GenericType<Map<String, Instant>>() {}));
    }
}
