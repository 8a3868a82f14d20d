package dev.sallyport.controller.store;

import dev.sallyport.controller.store.TimelineNotes.Note;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.IllegalTransitionException;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.TransitionTable;
import dev.sallyport.model.UserId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;
import org.jspecify.annotations.Nullable;

/**
 * Timelines: append-only events of sessions and machines, bounded in number and size. Texts may come from machines: they are
 * cleaned and cut here, whoever wrote them. What only tells is {@linkplain #note noted}, and written a moment later with others.
 */
public final class TimelineStore {
    /** Most characters of an event's text. */
    public static final int MAX_TEXT = 1000;
    /** Most details of an event. */
    public static final int MAX_DETAILS = 32;
    /** Most characters of a detail's value. */
    public static final int MAX_VALUE = 2000;
    /** Most events that {@link #append} writes to one timeline; the last says that it is full. */
    public static final int MAX_EVENTS = 10_000;

    /** The detail of a machine's failure that says how many milliseconds after its first sign it was named. */
    public static final String SIGN_TO_VERDICT = "sign_to_verdict_ms";

    private static final Pattern MILLIS = Pattern.compile("[0-9]{1,9}");
    private static final String FULL = "timeline.full";
    private static final String FULL_TEXT = "This timeline is full; further steps are not kept.";
    private static final int MAX_NAME = 64;
    private static final int MAX_READ = 1000;
    private static final Pattern STEP = Pattern.compile("[a-z][a-z0-9_-]*(\\.[a-z0-9_-]+)*");

    private final Database database;
    private final TimelineSignals signals;
    private final OutcomeListener outcomes;
    private final TimelineNotes notes = new TimelineNotes(this::write);

    /**
     * @param database where they are kept
     * @param signals rung after each commit of an event
     * @param outcomes told how fast failed starts were named
     */
    public TimelineStore(Database database, TimelineSignals signals, OutcomeListener outcomes) {
        this.database = database;
        this.signals = signals;
        this.outcomes = outcomes;
        database.beforeClose(notes::writeAll);
    }

    /**
     * Appends events that tell and change nothing, soon: they are durable within {@link TimelineNotes#MOMENT}, or together with the
     * next change of what the timeline is about, which comes after them; whoever reads here sees them at once. A timeline that is not
     * there, or is full, takes none.
     *
     * @param entries as in {@link #append(TimelineId, String, String, Map)}
     */
    public void note(List<Entry> entries) {
        Instant now = database.now();
        for (Entry entry : entries) {
            checkStep(entry.step());
            diagnosed(entry);
            notes.add(entry.timeline(), new Note(now, entry.step(), entry.text(), entry.details()));
        }
    }

    /** Does a change of what {@code timelines} are about, in a transaction that first appends what was noted before. */
    <T> T carrying(Collection<TimelineId> timelines, Supplier<T> change) {
        return notes.carrying(timelines, change);
    }

    private void write(Map<TimelineId, List<Note>> taken) {
        // Timelines in one order, whoever else locks several.
        var sorted = new TreeMap<TimelineId, List<Note>>(TimelineNotes.ORDER);
        sorted.putAll(taken);
        database.useTransaction(
                Scope.all(), handle -> sorted.forEach((timeline, lines) -> append(handle, timeline, lines)));
    }

    /**
     * Appends an event, which is durable and seen by all readers when this returns. A full timeline takes no more: what is
     * returned is then its last event.
     *
     * @param step a stable dotted name in lower case, at most 64 characters
     * @param text one sentence, cut to {@link #MAX_TEXT} characters
     * @param details cut to {@link #MAX_DETAILS} names of 64 and values of {@link #MAX_VALUE} characters; nothing secret
     * @throws FailureException {@link CauseCode#NOT_FOUND} when there is no such timeline
     */
    public TimelineEvent append(TimelineId timeline, String step, String text, Map<String, String> details) {
        return append(List.of(new Entry(timeline, step, text, details))).getFirst();
    }

    /**
     * What is to be appended.
     *
     * @param timeline where
     * @param step as in {@link TimelineStore#append(TimelineId, String, String, Map)}
     * @param text one sentence
     * @param details nothing secret
     */
    public record Entry(TimelineId timeline, String step, String text, Map<String, String> details) {}

    /** As {@link #append(TimelineId, String, String, Map)} for several events, all or none. */
    public List<TimelineEvent> append(List<Entry> entries) {
        entries.stream().map(Entry::timeline).distinct().forEach(notes::write);
        List<TimelineEvent> appended = database.inTransaction(
                Scope.all(),
                handle -> entries.stream()
                        .map(entry -> appendUntilFull(handle, entry))
                        .toList());
        entries.forEach(this::diagnosed);
        return appended;
    }

    private void diagnosed(Entry entry) {
        String took = entry.details().get(SIGN_TO_VERDICT);
        // A session's timeline tells the same of its machines once more.
        if (entry.timeline().kind() == TimelineId.Kind.MACHINE
                && took != null
                && MILLIS.matcher(took).matches()) {
            outcomes.diagnosed(Duration.ofMillis(Long.parseLong(took)));
        }
    }

    private TimelineEvent appendUntilFull(Handle handle, Entry entry) {
        TimelineId timeline = entry.timeline();
        Optional<TimelineEvent> appended =
                append(handle, timeline, entry.step(), entry.text(), entry.details(), MAX_EVENTS - 1);
        if (appended.isPresent()) {
            return appended.get();
        }
        return append(handle, timeline, FULL, FULL_TEXT, Map.of(), MAX_EVENTS)
                .or(() -> read(handle, timeline, MAX_EVENTS - 1, 1).stream().findFirst())
                .orElseThrow(() -> missing(timeline));
    }

    /**
     * Reads events in their order.
     *
     * @param after the sequence number after which to begin; 0 for all
     * @param limit most events, at most 1000
     */
    public List<TimelineEvent> read(Scope scope, TimelineId timeline, long after, int limit) {
        notes.write(timeline);
        return database.repeatably(scope, handle -> read(handle, timeline, after, limit));
    }

    /**
     * Reads events, waiting for the first when there is none yet. No connection is held while waiting.
     *
     * @param atMost how long to wait
     * @return empty when none came
     * @throws InterruptedException when the calling thread is interrupted
     */
    public List<TimelineEvent> await(Scope scope, TimelineId timeline, long after, int limit, Duration atMost)
            throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        // Listening begins before reading: an event between the two is not missed.
        try (TimelineSignals.Listener listener = signals.listen(timeline)) {
            while (true) {
                List<TimelineEvent> events = read(scope, timeline, after, limit);
                if (!events.isEmpty() || !listener.await(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())))) {
                    return events;
                }
            }
        }
    }

    /** Begins a timeline with its first event in the caller's transaction; readers are woken when it commits. */
    void begin(Handle handle, @Nullable UserId user, Entry first) {
        TimelineId timeline = first.timeline();
        checkStep(first.step());
        // Two statements, sent together: the policy of events looks for their timeline as it was before a statement.
        handle.createUpdate("INSERT INTO timelines (kind, id, user_id, last_sequence, last_at)"
                        + " VALUES (:kind, :id, :user, 1, :at);"
                        + " INSERT INTO events (kind, id, sequence, at, step, text, details)"
                        + " VALUES (:kind, :id, 1, :at, :step, :text, CAST(:details AS jsonb))")
                .bind("kind", timeline.kind().wire())
                .bind("id", timeline.id())
                .bind("user", user == null ? null : user.value())
                .bind("at", database.now())
                .bind("step", first.step())
                .bind("text", Texts.bounded(first.text(), MAX_TEXT))
                .bind("details", Json.details(bounded(first.details())))
                .execute();
        signals.ringAtCommit(handle, timeline);
    }

    /** Gives a timeline to a user, in the caller's transaction. */
    void give(Handle handle, TimelineId timeline, UserId user) {
        handle.createUpdate("UPDATE timelines SET user_id = :user WHERE kind = :kind AND id = :id")
                .bind("user", user.value())
                .bind("kind", timeline.kind().wire())
                .bind("id", timeline.id())
                .execute();
    }

    /** Removes a timeline with its events, in the caller's transaction. */
    void forget(Handle handle, TimelineId timeline) {
        handle.createUpdate("DELETE FROM timelines WHERE kind = :kind AND id = :id")
                .bind("kind", timeline.kind().wire())
                .bind("id", timeline.id())
                .execute();
    }

    /** Appends in the caller's transaction, full or not; readers are woken when it commits. */
    TimelineEvent append(Handle handle, TimelineId timeline, String step, String text, Map<String, String> details) {
        append(handle, timeline, TimelineNotes.carriedBy(handle, timeline));
        return append(handle, timeline, step, text, details, Integer.MAX_VALUE).orElseThrow(() -> missing(timeline));
    }

    /** Appends events of one timeline together, in the caller's transaction; readers are woken when it commits. */
    void appendAll(Handle handle, TimelineId timeline, List<Entry> entries) {
        Instant now = database.now();
        entries.forEach(entry -> checkStep(entry.step()));
        append(
                handle,
                timeline,
                entries.stream()
                        .map(entry -> new Note(now, entry.step(), entry.text(), entry.details()))
                        .toList());
    }

    /** @return empty when there is no such timeline, or it has {@code most} events already */
    private Optional<TimelineEvent> append(
            Handle handle, TimelineId timeline, String step, String text, Map<String, String> details, int most) {
        checkStep(step);
        // The time is the later of this clock's and of the event before: a later number never has an earlier time,
        // though the
        // lock on the timeline's row is waited for.
        Optional<TimelineEvent> appended = handle.createQuery("WITH next AS (UPDATE timelines"
                        + " SET last_sequence = last_sequence + 1, last_at = greatest(last_at, :at)"
                        + " WHERE kind = :kind AND id = :id AND last_sequence < :most RETURNING last_sequence, last_at)"
                        + " INSERT INTO events (kind, id, sequence, at, step, text, details)"
                        + " SELECT :kind, :id, last_sequence, last_at, :step, :text, CAST(:details AS jsonb) FROM next"
                        + " RETURNING sequence, at, step, text, details")
                .bind("kind", timeline.kind().wire())
                .bind("id", timeline.id())
                .bind("most", most)
                .bind("at", database.now())
                .bind("step", step)
                .bind("text", Texts.bounded(text, MAX_TEXT))
                .bind("details", Json.details(bounded(details)))
                .map((row, context) -> event(row))
                .findOne();
        appended.ifPresent(event -> signals.ringAtCommit(handle, timeline));
        return appended;
    }

    /** Appends lines together, if the timeline is there and has room for them all; one by one otherwise. */
    private void append(Handle handle, TimelineId timeline, List<Note> lines) {
        if (lines.isEmpty()) {
            return;
        }
        Update update = handle.createUpdate("WITH was AS (SELECT last_sequence, last_at FROM timelines"
                        + " WHERE kind = :kind AND id = :id AND last_sequence + :count < :most FOR UPDATE),"
                        + " line AS (SELECT * FROM unnest(CAST(:steps AS text[]), CAST(:texts AS text[]), CAST(:details AS text[]),"
                        + " CAST(:times AS timestamptz[])) WITH ORDINALITY AS l (step, text, details, at, number)),"
                        + " next AS (UPDATE timelines t SET last_sequence = was.last_sequence + :count,"
                        + " last_at = greatest(was.last_at, CAST(:last AS timestamptz)) FROM was WHERE t.kind = :kind AND t.id = :id)"
                        + " INSERT INTO events (kind, id, sequence, at, step, text, details)"
                        // Two threads may have looked at the clock in another order than they told in.
                        + " SELECT :kind, :id, was.last_sequence + line.number,"
                        + " greatest(was.last_at, max(line.at) OVER (ORDER BY line.number)), line.step, line.text,"
                        + " CAST(line.details AS jsonb) FROM was, line")
                .bind("kind", timeline.kind().wire())
                .bind("id", timeline.id())
                .bind("count", lines.size())
                .bind("most", MAX_EVENTS)
                .bind(
                        "last",
                        lines.stream()
                                .map(Note::at)
                                .max(Comparator.naturalOrder())
                                .orElseThrow());
        array(update, "steps", lines, Note::step);
        array(update, "texts", lines, line -> Texts.bounded(line.text(), MAX_TEXT));
        array(update, "details", lines, line -> Json.details(bounded(line.details())));
        array(update, "times", lines, line -> line.at().toString());
        if (update.execute() > 0) {
            signals.ringAtCommit(handle, timeline);
            return;
        }
        for (Note line : lines) {
            if (append(handle, timeline, line.step(), line.text(), line.details(), MAX_EVENTS - 1)
                    .isEmpty()) {
                append(handle, timeline, FULL, FULL_TEXT, Map.of(), MAX_EVENTS);
            }
        }
    }

    private static void array(Update update, String name, List<Note> lines, Function<Note, String> column) {
        update.bindArray(name, String.class, lines.stream().map(column).toList());
    }

    private static void checkStep(String step) {
        if (step.length() > MAX_NAME || !STEP.matcher(step).matches()) {
            throw new IllegalArgumentException("not the name of a step: " + Texts.bounded(step, MAX_NAME));
        }
    }

    /** Reads in the caller's transaction. */
    List<TimelineEvent> read(Handle handle, TimelineId timeline, long after, int limit) {
        return handle.createQuery("SELECT sequence, at, step, text, details FROM events"
                        + " WHERE kind = :kind AND id = :id AND sequence > :after ORDER BY sequence LIMIT :limit")
                .bind("kind", timeline.kind().wire())
                .bind("id", timeline.id())
                .bind("after", after)
                .bind("limit", Math.clamp(limit, 1, MAX_READ))
                .map((row, context) -> event(row))
                .list();
    }

    /**
     * Where {@code event} leads from {@code state}.
     *
     * @throws FailureException {@link CauseCode#CONFLICT} when the table has no such row, with the timeline's last events as evidence
     */
    <S extends Enum<S>, E extends Enum<E>> S next(
            Handle handle, TransitionTable<S, E> table, S state, E event, TimelineId timeline) {
        try {
            return table.next(state, event);
        } catch (IllegalTransitionException e) {
            throw new FailureException(
                    new Cause(
                            CauseCode.CONFLICT,
                            e.getMessage() + " (" + timeline.id() + ").",
                            history(handle, timeline)),
                    e);
        }
    }

    /** The last events as lines of evidence, in the caller's transaction. */
    private List<String> history(Handle handle, TimelineId timeline) {
        return handle
                .createQuery("SELECT sequence, at, step, text, details FROM events"
                        + " WHERE kind = :kind AND id = :id ORDER BY sequence DESC LIMIT 10")
                .bind("kind", timeline.kind().wire())
                .bind("id", timeline.id())
                .map((row, context) -> event(row))
                .list()
                .reversed()
                .stream()
                .map(event -> event.sequence() + " " + event.at() + " " + event.step() + ": " + event.text())
                .toList();
    }

    private static TimelineEvent event(ResultSet row) throws SQLException {
        return new TimelineEvent(
                row.getLong("sequence"),
                Rows.instant(row, "at"),
                row.getString("step"),
                row.getString("text"),
                Json.details(row.getString("details")));
    }

    private static Map<String, String> bounded(Map<String, String> details) {
        Map<String, String> bounded = new TreeMap<>();
        for (Map.Entry<String, String> detail : new TreeMap<>(details).entrySet()) {
            if (bounded.size() == MAX_DETAILS) {
                break;
            }
            bounded.put(Texts.bounded(detail.getKey(), MAX_NAME), Texts.bounded(detail.getValue(), MAX_VALUE));
        }
        return bounded;
    }

    private static FailureException missing(TimelineId timeline) {
        return FailureException.of(
                CauseCode.NOT_FOUND,
                "There is no timeline of the " + timeline.kind().wire() + " " + timeline.id() + ".");
    }
}
