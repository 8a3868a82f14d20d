package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.controller.store.TimelineStore.Entry;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.UserId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(TestStore.Extension.class)
class TimelineNotesTest {
    private final TestStore store;
    private final TimelineStore timelines;
    private SessionId session;
    private TimelineId timeline;

    TimelineNotesTest(TestStore store) {
        this.store = store;
        this.timelines = store.timelines();
        this.session = SessionId.random();
        this.timeline = TimelineId.of(session);
    }

    @BeforeEach
    void newTimeline() {
        UserId user = store.newUser();
        session = store.sessions()
                .create(user, new ProviderId("codex"), TestStore.HOST)
                .id();
        timeline = TimelineId.of(session);
    }

    private void note(String step) {
        timelines.note(List.of(new Entry(timeline, step, "It is so.", Map.of("x", "1"))));
    }

    /** What is in the table, without a reader's writing what waits. */
    private List<String> rows(String column) {
        return store.database()
                .inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery("SELECT CAST(" + column
                                        + " AS text) FROM events WHERE kind = 'session' AND id = :id ORDER BY sequence")
                                .bind("id", timeline.id())
                                .mapTo(String.class)
                                .list());
    }

    @Test
    void aReaderSeesThemAtOnce() {
        note("a.one");
        note("a.two");
        assertThat(timelines.read(Scope.all(), timeline, 1, 10))
                .extracting(TimelineEvent::step)
                .containsExactly("a.one", "a.two");
        assertThat(timelines.read(Scope.all(), timeline, 2, 1).getFirst().details())
                .containsExactly(Map.entry("x", "1"));
    }

    @Test
    void theyAreWrittenThoughNobodyReads() throws InterruptedException {
        note("a.one");
        Await.until("the note is written", () -> rows("step").contains("a.one"));
        note("a.two");
        Await.until("the next one is", () -> rows("step").contains("a.two"));
    }

    @Test
    void aChangeTakesThemAlong() {
        note("a.one");
        note("a.two");
        store.sessions().transition(Scope.all(), session, SessionLife.Event.BROWSER_READY, SessionChange.none());
        assertThat(rows("step")).containsExactly("session.initializing", "a.one", "a.two", "session.vm_created");
        assertThat(rows("at")).isSorted();
    }

    @Test
    void aChangeThatIsRefusedLeavesThemToOthers() {
        note("a.one");
        assertThatThrownBy(() -> store.sessions()
                        .transition(Scope.all(), session, SessionLife.Event.PROVED, SessionChange.none()))
                .isInstanceOf(FailureException.class);
        assertThat(timelines.read(Scope.all(), timeline, 0, 10))
                .extracting(TimelineEvent::step)
                .containsExactly("session.initializing", "a.one");
    }

    @Test
    void whatIsAppendedComesAfterWhatWasNoted() {
        note("a.one");
        timelines.append(timeline, "a.two", "It is so.", Map.of());
        note("a.three");
        assertThat(timelines.read(Scope.all(), timeline, 1, 10))
                .extracting(TimelineEvent::step)
                .containsExactly("a.one", "a.two", "a.three");
    }

    @Test
    void eachThreadsLinesStayInTheirOrderWhoeverWritesThem() throws InterruptedException {
        var threads = new AtomicInteger();
        Race.of(8, () -> {
            String name = "t" + threads.incrementAndGet() + ".n";
            for (int i = 0; i < 40; i++) {
                note(name + i);
                if (i % 10 == 3) {
                    timelines.read(Scope.all(), timeline, 0, 1);
                } else if (i % 10 == 7) {
                    store.sessions()
                            .update(Scope.all(), session, SessionChange.none().saying("It was looked at."));
                }
            }
            return true;
        });
        List<TimelineEvent> events = timelines.read(Scope.all(), timeline, 0, 1000);
        assertThat(events)
                .extracting(TimelineEvent::sequence)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, 1 + 8 * 40 + 8 * 4).boxed().toList());
        assertThat(events).extracting(TimelineEvent::at).isSorted();
        for (int thread = 1; thread <= 8; thread++) {
            String name = "t" + thread + ".n";
            List<String> wanted = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                wanted.add(name + i);
            }
            assertThat(events)
                    .extracting(TimelineEvent::step)
                    .filteredOn(step -> step.startsWith(name))
                    .containsExactlyElementsOf(wanted);
        }
    }

    @Test
    void aFullTimelineSaysSoOnce() {
        store.database()
                .useTransaction(
                        Scope.all(),
                        handle -> handle.execute(
                                "UPDATE timelines SET last_sequence = ? WHERE id = ?",
                                TimelineStore.MAX_EVENTS - 3,
                                timeline.id()));
        for (int i = 0; i < 5; i++) {
            note("a.n" + i);
        }
        assertThat(timelines.read(Scope.all(), timeline, 1, 10))
                .extracting(TimelineEvent::step)
                .containsExactly("a.n0", "a.n1", "timeline.full");
    }

    @Test
    void oneThatIsNotThereTakesNone() {
        TimelineId nowhere = TimelineId.of(SessionId.random());
        timelines.note(List.of(new Entry(nowhere, "a.one", "It is so.", Map.of())));
        assertThat(timelines.read(Scope.all(), nowhere, 0, 10)).isEmpty();
        assertThatThrownBy(() -> timelines.note(List.of(new Entry(timeline, "No step", "", Map.of()))))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
