package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.UserId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(TestStore.Extension.class)
class TimelineStoreTest {
    private final TestStore store;
    private final TimelineStore timelines;
    private UserId user;
    private TimelineId timeline;

    TimelineStoreTest(TestStore store) {
        this.store = store;
        this.timelines = store.timelines();
        this.user = store.newUser();
        this.timeline = TimelineId.of(SessionId.random());
    }

    @BeforeEach
    void newTimeline() {
        user = store.newUser();
        timeline = TimelineId.of(store.sessions()
                .create(user, new ProviderId("codex"), TestStore.HOST)
                .id());
    }

    @Test
    void appendsAndReadsInOrder() {
        TimelineEvent event = timelines.append(timeline, "browser.agent_ready", "It answers.", Map.of("ms", "12"));
        assertThat(event.sequence()).isEqualTo(2);
        assertThat(timelines.read(Scope.of(user), timeline, 1, 10)).containsExactly(event);
        assertThat(timelines.read(Scope.of(user), timeline, 0, 1))
                .extracting(TimelineEvent::step)
                .containsExactly("session.initializing");
        assertThat(timelines.read(Scope.of(user), timeline, 2, 10)).isEmpty();
    }

    @Test
    void numbersWithoutGapsWhenManyAppendAtOnce() throws InterruptedException {
        List<Object> outcomes = Race.of(16, () -> {
            for (int i = 0; i < 5; i++) {
                timelines.append(timeline, "race.step", "One of many.", Map.of());
            }
            return true;
        });
        assertThat(outcomes).containsOnly(true);
        List<TimelineEvent> events = timelines.read(Scope.all(), timeline, 0, 1000);
        assertThat(events)
                .extracting(TimelineEvent::sequence)
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 81).boxed().toList());
        assertThat(events).extracting(TimelineEvent::at).isSorted();
    }

    @Test
    void wakesThoseWhoWait() throws Exception {
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<TimelineEvent>>> readers = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                readers.add(
                        executor.submit(() -> timelines.await(Scope.of(user), timeline, 1, 10, Duration.ofMinutes(1))));
            }
            timelines.append(timeline, "tool.started", "It runs.", Map.of());
            for (Future<List<TimelineEvent>> reader : readers) {
                assertThat(reader.get()).extracting(TimelineEvent::step).containsExactly("tool.started");
            }
        }
        assertThat(store.signals().listenedTo()).isZero();
    }

    @Test
    void missesNothingBetweenReadingAndWaiting() throws Exception {
        int events = 200;
        Callable<List<Long>> reader = () -> {
            List<Long> seen = new ArrayList<>();
            long after = 1;
            while (seen.size() < events) {
                List<TimelineEvent> more = timelines.await(Scope.of(user), timeline, after, 7, Duration.ofSeconds(30));
                assertThat(more).as("after %d", after).isNotEmpty();
                more.forEach(event -> seen.add(event.sequence()));
                after = more.getLast().sequence();
            }
            return seen;
        };
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<Long>>> readers = List.of(executor.submit(reader), executor.submit(reader));
            for (int i = 0; i < events; i++) {
                timelines.append(timeline, "busy.step", "Another one.", Map.of());
            }
            for (Future<List<Long>> each : readers) {
                assertThat(each.get())
                        .containsExactlyElementsOf(
                                LongStream.rangeClosed(2, events + 1L).boxed().toList());
            }
        }
    }

    @Test
    void waitsNoLongerThanItIsTold() throws InterruptedException {
        long begin = System.nanoTime();
        assertThat(timelines.await(Scope.of(user), timeline, 1, 10, Duration.ofMillis(100)))
                .isEmpty();
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
                .isBetween(Duration.ofMillis(100), Duration.ofSeconds(20));
        assertThat(store.signals().listenedTo()).isZero();
    }

    @Test
    void holdsNoConnectionWhileWaiting() throws Exception {
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<TimelineEvent>>> readers = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                readers.add(
                        executor.submit(() -> timelines.await(Scope.of(user), timeline, 1, 10, Duration.ofMinutes(1))));
            }
            // Were each to hold one, this would find none within the pool's patience.
            timelines.append(timeline, "tool.started", "It runs.", Map.of());
            for (Future<List<TimelineEvent>> reader : readers) {
                assertThat(reader.get()).hasSize(1);
            }
        }
    }

    @Test
    void cleansAndCutsWhatMachinesSay() {
        Map<String, String> many = new HashMap<>();
        for (int i = 0; i < 100; i++) {
            many.put("name\u0000" + i, "\u001b[31m" + "x".repeat(5000) + "\ud800");
        }
        TimelineEvent event =
                timelines.append(timeline, "hostile.words", "\u0007\u0000 bell \udc00" + "😀".repeat(3000), many);
        assertThat(event.text())
                .hasSizeLessThanOrEqualTo(TimelineStore.MAX_TEXT)
                .endsWith("😀…")
                .startsWith("   bell \ufffd");
        assertThat(event.details()).hasSize(TimelineStore.MAX_DETAILS);
        assertThat(event.details().values())
                .allSatisfy(value -> assertThat(value)
                        .hasSize(TimelineStore.MAX_VALUE)
                        .endsWith("…")
                        .doesNotContain("\u001b"));
        assertThat(timelines.read(Scope.of(user), timeline, 1, 10)).containsExactly(event);
        TimelineEvent exact =
                timelines.append(timeline, "exact", "y".repeat(TimelineStore.MAX_TEXT), Map.of("lone", "\ud800"));
        assertThat(exact.text()).hasSize(TimelineStore.MAX_TEXT).doesNotContain("…");
        assertThat(exact.details()).containsEntry("lone", "\ufffd");
    }

    @Test
    void refusesWhatIsNoStep() {
        for (String step : List.of("", "Upper", "a..b", ".a", "a b", "x".repeat(65))) {
            assertThatThrownBy(() -> timelines.append(timeline, step, "text", Map.of()))
                    .as(step)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void endsAFullTimelineWithASentence() {
        // Ten thousand durable events take a while: the counter is moved to just before the end instead.
        store.database()
                .useTransaction(
                        Scope.all(),
                        handle -> handle.execute(
                                "UPDATE timelines SET last_sequence = ? WHERE kind = 'session' AND id = ?",
                                TimelineStore.MAX_EVENTS - 2,
                                timeline.id()));
        assertThat(timelines.append(timeline, "last.but_one", "Fits.", Map.of()).sequence())
                .isEqualTo(TimelineStore.MAX_EVENTS - 1);
        for (int i = 0; i < 3; i++) {
            TimelineEvent full = timelines.append(timeline, "too.many", "Does not fit.", Map.of());
            assertThat(full.step()).isEqualTo("timeline.full");
            assertThat(full.sequence()).isEqualTo(TimelineStore.MAX_EVENTS);
        }
        assertThat(timelines.read(Scope.all(), timeline, TimelineStore.MAX_EVENTS, 10))
                .isEmpty();
    }

    @Test
    void saysWhenThereIsNone() {
        TimelineId none = TimelineId.of(SessionId.random());
        assertThatThrownBy(() -> timelines.append(none, "a.step", "text", Map.of()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        missing -> assertThat(missing.reason().code()).isEqualTo(CauseCode.NOT_FOUND));
        assertThat(timelines.read(Scope.all(), none, 0, 10)).isEmpty();
    }
}
