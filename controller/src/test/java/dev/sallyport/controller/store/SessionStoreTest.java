package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.IllegalTransitionException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.TransitionTable.Transition;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(TestStore.Extension.class)
class SessionStoreTest {
    private static final ProviderId CODEX = new ProviderId("codex");

    private final TestStore store;
    private final SessionStore sessions;
    private UserId user;

    SessionStoreTest(TestStore store) {
        this.store = store;
        this.sessions = store.sessions();
        this.user = store.newUser();
    }

    @BeforeEach
    void newUser() {
        user = store.newUser();
    }

    @Test
    void createsASessionWithItsTimeline() {
        Instant before = store.database().now();
        StoredSession session = sessions.create(user, CODEX, TestStore.HOST);
        assertThat(session.status()).isEqualTo(SessionStatus.INITIALIZING);
        assertThat(session.user()).isEqualTo(user);
        assertThat(session.provider()).isEqualTo(CODEX);
        assertThat(session.version()).isEqualTo(1);
        assertThat(session.createdAt()).isAfterOrEqualTo(before).isEqualTo(session.updatedAt());
        assertThat(session.endedAt()).isNull();
        assertThat(sessions.find(Scope.of(user), session.id())).contains(session);
        assertThat(sessions.get(Scope.all(), session.id())).isEqualTo(session);
        assertThat(events(session.id())).extracting(TimelineEvent::step).containsExactly("session.initializing");
    }

    @Test
    void ofSixteenThatAskAtOnceOneGetsTheSession() throws InterruptedException {
        List<Object> outcomes = Race.of(16, () -> sessions.create(user, CODEX, TestStore.HOST));
        assertThat(outcomes).filteredOn(StoredSession.class::isInstance).hasSize(1);
        assertThat(outcomes)
                .filteredOn(FailureException.class::isInstance)
                .hasSize(15)
                .allSatisfy(refused ->
                        assertThat(((FailureException) refused).reason().code()).isEqualTo(CauseCode.SIGN_IN_RUNNING));
        assertThat(sessions.list(Scope.of(user), SessionQuery.everything(), null, 50)
                        .items())
                .hasSize(1);
    }

    @Test
    void refusesASecondSignInUntilTheFirstHasEnded() {
        StoredSession first = sessions.create(user, CODEX, TestStore.HOST);
        assertThatThrownBy(() -> sessions.create(user, CODEX, TestStore.HOST))
                .isInstanceOfSatisfying(FailureException.class, refused -> {
                    assertThat(refused.reason().code()).isEqualTo(CauseCode.SIGN_IN_RUNNING);
                    assertThat(refused.reason().detail()).contains(first.id().value(), "initializing");
                });
        sessions.create(user, new ProviderId("claude_code"), TestStore.HOST);
        sessions.create(store.newUser(), CODEX, TestStore.HOST);
        sessions.transition(Scope.of(user), first.id(), SessionLife.Event.CANCEL, SessionChange.none());
        assertThat(sessions.create(user, CODEX, TestStore.HOST).id()).isNotEqualTo(first.id());
    }

    static Stream<Transition<SessionStatus, SessionLife.Event>> rows() {
        return SessionLife.TABLE.rows().stream();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void goesEveryWayOfTheTable(Transition<SessionStatus, SessionLife.Event> row) {
        StoredSession before = reach(row.from());
        StoredSession after = sessions.transition(Scope.all(), before.id(), row.on(), SessionChange.none());
        assertThat(after.status()).isEqualTo(row.to());
        assertThat(after.version()).isEqualTo(before.version() + 1);
        assertThat(after.endedAt() != null).isEqualTo(row.to().isEnded());
        assertThat(after).isEqualTo(sessions.get(Scope.all(), before.id()));
        assertThat(events(before.id()).getLast().step())
                .isEqualTo("session." + row.to().wire());
    }

    @Test
    void refusesEveryWayThatTheTableHasNot() {
        Set<Transition<SessionStatus, SessionLife.Event>> legal = new HashSet<>(SessionLife.TABLE.rows());
        int refusals = 0;
        for (SessionStatus status : SessionStatus.values()) {
            user = store.newUser();
            StoredSession before = reach(status);
            for (SessionLife.Event event : SessionLife.Event.values()) {
                if (legal.stream().anyMatch(row -> row.from() == status && row.on() == event)) {
                    continue;
                }
                int told = events(before.id()).size();
                FailureException refused = catchThrowableOfType(
                        FailureException.class,
                        () -> sessions.transition(Scope.all(), before.id(), event, SessionChange.none()));
                assertThat(refused.reason().code()).isEqualTo(CauseCode.CONFLICT);
                assertThat(refused).hasCauseInstanceOf(IllegalTransitionException.class);
                assertThat(refused.reason().detail())
                        .contains(status.name(), event.name(), before.id().value());
                assertThat(refused.reason().evidence())
                        .as("the history")
                        .first()
                        .asString()
                        .contains("session.initializing");
                assertThat(sessions.get(Scope.all(), before.id())).isEqualTo(before);
                assertThat(events(before.id())).hasSize(told);
                refusals++;
            }
        }
        assertThat(refusals)
                .isEqualTo(SessionStatus.values().length * SessionLife.Event.values().length - legal.size());
    }

    @Test
    void ofSixteenThatEndItAtOnceOneDoes() throws InterruptedException {
        StoredSession session = sessions.create(user, CODEX, TestStore.HOST);
        List<Object> outcomes = Race.of(
                16,
                () -> sessions.transition(
                        Scope.all(),
                        session.id(),
                        SessionLife.Event.CANCEL,
                        SessionChange.none().saying("Cancelled.")));
        assertThat(outcomes).filteredOn(StoredSession.class::isInstance).hasSize(1);
        assertThat(outcomes)
                .filteredOn(FailureException.class::isInstance)
                .hasSize(15)
                .allSatisfy(refused ->
                        assertThat(((FailureException) refused).reason().code()).isEqualTo(CauseCode.CONFLICT));
        assertThat(sessions.get(Scope.all(), session.id()).version()).isEqualTo(2);
        assertThat(events(session.id()))
                .extracting(TimelineEvent::step)
                .containsExactly("session.initializing", "session.cancelled");
    }

    @Test
    void writesChangesWithTheStatus() {
        StoredSession session = sessions.create(user, CODEX, TestStore.HOST);
        MachineId browser = plan(VmType.BROWSER, session.id());
        MachineId cli = plan(VmType.CLI, null);
        sessions.update(Scope.all(), session.id(), SessionChange.none().browserMachine(browser));
        StoredSession ready = sessions.transition(
                Scope.all(),
                session.id(),
                SessionLife.Event.BROWSER_READY,
                SessionChange.none().cliMachine(cli).saying("Ready.").detail("seconds", "3"));
        assertThat(ready.browserMachine()).isEqualTo(browser);
        assertThat(ready.cliMachine()).isEqualTo(cli);
        assertThat(ready.version()).isEqualTo(3);
        assertThat(events(session.id()).getLast().text()).isEqualTo("Ready.");
        assertThat(events(session.id()).getLast().details()).containsEntry("seconds", "3");
        Cause cause = Cause.of(CauseCode.TOOL_FAILED, "It ended with 3.", "line one", "line \u0000 two");
        StoredSession failed = sessions.transition(
                Scope.all(),
                session.id(),
                SessionLife.Event.FAIL,
                SessionChange.none().cause(cause));
        assertThat(failed.cause()).isEqualTo(cause);
        assertThat(failed.browserMachine()).isEqualTo(browser);
        assertThat(failed.endedAt()).isEqualTo(failed.updatedAt());
        assertThat(events(session.id()).getLast().details())
                .containsEntry("cause", "TOOL_FAILED")
                .containsEntry("detail", "It ended with 3.")
                .containsEntry("evidence_01", "line one");
        assertThat(events(session.id()).getLast().text()).contains("It ended with 3.");
        assertThatThrownBy(() ->
                        sessions.transition(Scope.all(), session.id(), SessionLife.Event.CANCEL, SessionChange.none()))
                .isInstanceOf(FailureException.class);
        assertThat(store.outcomes().of(session.id().value())).containsExactly("ended as failed");
    }

    @Test
    void updatesSilentlyOrNotAndOnlyWhileItRuns() {
        StoredSession session = sessions.create(user, CODEX, TestStore.HOST);
        sessions.update(Scope.all(), session.id(), SessionChange.none().proof("Logged in\u0000 as somebody"));
        assertThat(events(session.id())).hasSize(1);
        sessions.update(Scope.all(), session.id(), SessionChange.none().saying("Still at it."));
        assertThat(events(session.id()).getLast().step()).isEqualTo("session.updated");
        StoredSession cancelled =
                sessions.transition(Scope.all(), session.id(), SessionLife.Event.CANCEL, SessionChange.none());
        assertThat(cancelled.proof()).isEqualTo("Logged in  as somebody");
        assertThatThrownBy(() -> sessions.update(
                        Scope.all(), session.id(), SessionChange.none().proof("too late")))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("is cancelled");
    }

    @Test
    void holdsAChangeToTheVersionThatItNames() {
        StoredSession session = sessions.create(user, CODEX, TestStore.HOST);
        sessions.update(
                Scope.all(), session.id(), SessionChange.none().ifVersion(1).proof("x"));
        assertThatThrownBy(() -> sessions.transition(
                        Scope.all(),
                        session.id(),
                        SessionLife.Event.CANCEL,
                        SessionChange.none().ifVersion(1)))
                .isInstanceOfSatisfying(FailureException.class, late -> {
                    assertThat(late.reason().code()).isEqualTo(CauseCode.CONFLICT);
                    assertThat(late.reason().detail()).contains("at version 2, not at 1");
                });
        sessions.transition(
                Scope.all(),
                session.id(),
                SessionLife.Event.CANCEL,
                SessionChange.none().ifVersion(2));
    }

    @Test
    void countsViewersEvenAfterTheEnd() {
        StoredSession session = sessions.create(user, CODEX, TestStore.HOST);
        assertThat(session.lastViewed()).isNull();
        sessions.transition(Scope.all(), session.id(), SessionLife.Event.CANCEL, SessionChange.none());
        StoredSession watched = sessions.viewers(session.id(), 2);
        assertThat(watched.viewers()).isEqualTo(2);
        assertThat(watched.version()).isEqualTo(2);
        StoredSession left = sessions.viewers(session.id(), 0);
        assertThat(left.viewers()).isZero();
        assertThat(left.lastViewed()).isNotNull();
    }

    @Test
    void listsInPagesNewestFirst() {
        List<SessionId> made = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            made.addFirst(sessions.create(user, new ProviderId("provider_" + i), TestStore.HOST)
                    .id());
        }
        sessions.create(store.newUser(), CODEX, TestStore.HOST);
        List<SessionId> seen = new ArrayList<>();
        String cursor = null;
        int pages = 0;
        do {
            Page<StoredSession> page = sessions.list(Scope.all(), new SessionQuery(user, null, false), cursor, 3);
            page.items().forEach(session -> seen.add(session.id()));
            cursor = page.next();
            pages++;
        } while (cursor != null);
        assertThat(pages).isEqualTo(3);
        assertThat(seen).containsExactlyElementsOf(made);
        sessions.transition(Scope.all(), made.getFirst(), SessionLife.Event.CANCEL, SessionChange.none());
        assertThat(sessions.list(Scope.of(user), new SessionQuery(null, null, true), null, 100)
                        .items())
                .extracting(StoredSession::id)
                .containsExactlyElementsOf(made.subList(1, 7));
        assertThat(sessions.list(Scope.of(user), new SessionQuery(null, new ProviderId("provider_2"), false), null, 100)
                        .items())
                .extracting(StoredSession::id)
                .containsExactly(made.get(4));
        assertThat(sessions.notEnded(TestStore.HOST))
                .extracting(StoredSession::id)
                .containsAll(made.subList(1, 7));
    }

    @Test
    void tellsWhoHasOneUnderWay() {
        sessions.mustNotRun(user, CODEX);
        StoredSession running = sessions.create(user, CODEX, TestStore.HOST);
        assertThatThrownBy(() -> sessions.mustNotRun(user, CODEX))
                .isInstanceOfSatisfying(FailureException.class, refused -> {
                    assertThat(refused.reason().code()).isEqualTo(CauseCode.SIGN_IN_RUNNING);
                    assertThat(refused.reason().detail()).contains(running.id() + " is initializing");
                });
        sessions.transition(Scope.all(), running.id(), SessionLife.Event.CANCEL, SessionChange.none());
        sessions.mustNotRun(user, CODEX);
    }

    @Test
    void refusesForeignCursorsAndLimits() {
        for (String cursor : List.of("", "!", "AAAA", "MTIzLid4Jw")) {
            assertThatThrownBy(() -> sessions.list(Scope.all(), SessionQuery.everything(), cursor, 10))
                    .as(cursor)
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            bad -> assertThat(bad.reason().code()).isEqualTo(CauseCode.BAD_REQUEST));
        }
        assertThatThrownBy(() -> sessions.list(Scope.all(), SessionQuery.everything(), null, 0))
                .isInstanceOf(FailureException.class);
    }

    @Test
    void forgetsWhatEndedLongAgo() {
        StoredSession running = sessions.create(user, CODEX, TestStore.HOST);
        StoredSession ended = sessions.create(user, new ProviderId("gemini_cli"), TestStore.HOST);
        sessions.transition(Scope.all(), ended.id(), SessionLife.Event.CANCEL, SessionChange.none());
        Instant end = store.database().now().plus(Duration.ofSeconds(1));
        int forgotten = 0;
        int batch;
        while ((batch = sessions.deleteEndedBefore(end, 1)) > 0) {
            assertThat(batch).isEqualTo(1);
            forgotten++;
        }
        assertThat(forgotten).isPositive();
        assertThat(sessions.find(Scope.all(), ended.id())).isEmpty();
        assertThat(events(ended.id())).isEmpty();
        assertThat(sessions.find(Scope.all(), running.id())).contains(running);
    }

    @Test
    void saysWhenThereIsNone() {
        SessionId none = SessionId.random();
        assertThat(sessions.find(Scope.all(), none)).isEmpty();
        assertThatThrownBy(() -> sessions.transition(Scope.all(), none, SessionLife.Event.CANCEL, SessionChange.none()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        missing -> assertThat(missing.reason().code()).isEqualTo(CauseCode.NOT_FOUND));
        assertThatThrownBy(() -> sessions.viewers(none, 1)).isInstanceOf(FailureException.class);
    }

    private List<TimelineEvent> events(SessionId id) {
        return store.timelines().read(Scope.all(), TimelineId.of(id), 0, 1000);
    }

    private MachineId plan(VmType type, @Nullable SessionId session) {
        MachineId id = MachineId.random();
        store.machines()
                .plan(new MachineStore.NewMachine(
                        id, type, user, session, "image", "fake", Secret.random(16), TestStore.HOST, Set.of()));
        return id;
    }

    /** A fresh session, brought to {@code status} by the shortest way through the table. */
    private StoredSession reach(SessionStatus status) {
        Deque<List<SessionLife.Event>> ways = new ArrayDeque<>(List.of(List.of()));
        while (true) {
            List<SessionLife.Event> way = ways.removeFirst();
            SessionStatus at = SessionLife.TABLE.initial();
            for (SessionLife.Event event : way) {
                at = SessionLife.TABLE.next(at, event);
            }
            if (at == status) {
                StoredSession session = sessions.create(user, CODEX, TestStore.HOST);
                for (SessionLife.Event event : way) {
                    session = sessions.transition(Scope.all(), session.id(), event, SessionChange.none());
                }
                return session;
            }
            for (SessionLife.Event event : SessionLife.Event.values()) {
                if (SessionLife.TABLE.allows(at, event)) {
                    List<SessionLife.Event> longer = new ArrayList<>(way);
                    longer.add(event);
                    ways.addLast(longer);
                }
            }
        }
    }
}
