package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.IllegalTransitionException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.UserId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Sessions. A status changes only through {@link #transition}, under the row's lock and by {@link SessionLife#TABLE}, together
 * with the event on the session's timeline.
 */
public final class SessionStore {
    private static final int MAX_PROOF = 4000;

    /** The host where a user's things are, if its lease is held. */
    private static final String HOST_OF_USER =
            "(SELECT t.host FROM (SELECT host, created_at FROM machines WHERE user_id = :user"
                    + " AND vm_type = 'cli' AND state IN ('planned', 'starting', 'ready')"
                    + " UNION ALL SELECT host, created_at FROM sessions WHERE user_id = :user AND ended_at IS NULL) t"
                    + " JOIN hosts h ON h.id = t.host WHERE h.state <> 'lost' ORDER BY t.created_at DESC LIMIT 1)";

    private final Database database;
    private final TimelineStore timelines;
    private final OutcomeListener outcomes;
    private final SessionTimers timers;

    /**
     * @param database where sessions are kept
     * @param timelines where their events go
     * @param outcomes told of those that ended
     * @param timers what is to happen to a session later; set together with each change
     */
    public SessionStore(Database database, TimelineStore timelines, OutcomeListener outcomes, SessionTimers timers) {
        this.database = database;
        this.timelines = timelines;
        this.outcomes = outcomes;
        this.timers = timers;
    }

    /**
     * Creates a session with its timeline.
     *
     * @throws FailureException {@link CauseCode#SIGN_IN_RUNNING} when this user has one with this provider that has not ended;
     *     of any number of callers at once one succeeds
     * @param here the host that was asked; null for none. Where the user has a CLI machine or another session on a host whose lease
     *     is held, that host works on it: credentials are handed over within one host
     */
    public StoredSession create(UserId user, ProviderId provider, @Nullable HostId here) {
        SessionId id = SessionId.random();
        return database.step("session created", Scope.of(user), handle -> {
            // One user's sessions are created one after the other, so that two cannot miss each other.
            handle.execute("SELECT pg_advisory_xact_lock(hashtextextended('sallyport-user ' || ?, 0))", user.value());
            StoredSession session = handle.createQuery(
                            "INSERT INTO sessions (id, user_id, provider, status, host, status_since, created_at, updated_at)"
                                    + " VALUES (:id, :user, :provider, :status, "
                                    + (here == null ? "NULL" : "coalesce(" + HOST_OF_USER + ", :host)")
                                    + ", :now, :now, :now)"
                                    + " ON CONFLICT (user_id, provider) WHERE ended_at IS NULL DO NOTHING RETURNING *")
                    .bind("id", id.value())
                    .bind("user", user.value())
                    .bind("provider", provider.value())
                    .bind("status", SessionLife.TABLE.initial().wire())
                    .bind("host", here == null ? null : here.value())
                    .bind("now", database.now())
                    .map((row, context) -> session(row))
                    .findOne()
                    .orElseThrow(() -> running(handle, user, provider));
            timelines.begin(
                    handle,
                    user,
                    new TimelineStore.Entry(
                            TimelineId.of(id),
                            step(session.status()),
                            "The sign-in to " + provider + " was asked for.",
                            Map.of("provider", provider.value())));
            timers.changed(handle, session);
            return session;
        });
    }

    /** The session; empty when there is none, or none that the scope may see. */
    public Optional<StoredSession> find(Scope scope, SessionId id) {
        return database.repeatably(
                scope,
                handle -> handle.createQuery("SELECT * FROM sessions WHERE id = :id")
                        .bind("id", id.value())
                        .map((row, context) -> session(row))
                        .findOne());
    }

    /** The session of {@code user} to {@code provider} that is under way. */
    public Optional<StoredSession> runningOf(UserId user, ProviderId provider) {
        return database.repeatably(
                Scope.of(user),
                handle -> handle.createQuery("SELECT * FROM sessions WHERE user_id = :user AND provider = :provider"
                                + " AND ended_at IS NULL")
                        .bind("user", user.value())
                        .bind("provider", provider.value())
                        .map((row, context) -> session(row))
                        .findOne());
    }

    /**
     * The session.
     *
     * @throws FailureException {@link CauseCode#NOT_FOUND} when there is none, or none that the scope may see
     */
    public StoredSession get(Scope scope, SessionId id) {
        return find(scope, id).orElseThrow(() -> missing(id));
    }

    /**
     * Lists sessions, newest first.
     *
     * @param cursor what the page before named as its next; null for the first page
     * @param limit most items, from 1; more than 500 is taken as 500
     */
    public Page<StoredSession> list(Scope scope, SessionQuery query, @Nullable String cursor, int limit) {
        Cursor after = Cursor.parse(cursor);
        int most = Cursor.limit(limit);
        var conditions = new StringBuilder("true");
        Map<String, Object> values = new HashMap<>();
        if (query.user() != null) {
            conditions.append(" AND user_id = :user");
            values.put("user", query.user().value());
        }
        if (query.provider() != null) {
            conditions.append(" AND provider = :provider");
            values.put("provider", query.provider().value());
        }
        if (query.runningOnly()) {
            conditions.append(" AND ended_at IS NULL");
        }
        if (after != null) {
            conditions.append(" AND (created_at, id) < (:afterTime, :afterId)");
            values.put("afterTime", after.at());
            values.put("afterId", after.id());
        }
        List<StoredSession> rows = database.repeatably(
                scope,
                handle -> handle.createQuery("SELECT * FROM sessions WHERE " + conditions
                                + " ORDER BY created_at DESC, id DESC LIMIT :limit")
                        .bindMap(values)
                        .bind("limit", most + 1)
                        .map((row, context) -> session(row))
                        .list());
        return Cursor.page(
                rows, most, last -> new Cursor(last.createdAt(), last.id().value()));
    }

    /** The sessions of a host that have not ended, oldest first: what its controller works on. */
    public List<StoredSession> notEnded(HostId host) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT * FROM sessions WHERE ended_at IS NULL AND host = :host"
                                + " ORDER BY created_at, id")
                        .bind("host", host.value())
                        .map((row, context) -> session(row))
                        .list());
    }

    /** The ids alone of {@link #notEnded}: of thousands, few are looked at further. */
    public List<SessionId> idsNotEnded(HostId host) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT id FROM sessions WHERE ended_at IS NULL AND host = :host")
                        .bind("host", host.value())
                        .mapTo(String.class)
                        .map(SessionId::new)
                        .list());
    }

    /** The sessions of a host that have ended while their browser machines have not. */
    public List<StoredSession> endedWithBrowser(HostId host) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT s.* FROM machines m JOIN sessions s ON s.browser_machine = m.id"
                                + " WHERE m.ended_at IS NULL AND m.host = :host AND s.ended_at IS NOT NULL")
                        .bind("host", host.value())
                        .map((row, context) -> session(row))
                        .list());
    }

    /** How many sessions stand in each status, those that have ended left out. */
    public Map<SessionStatus, Long> running() {
        Map<SessionStatus, Long> counts = new EnumMap<>(SessionStatus.class);
        database.useTransaction(
                Scope.all(),
                handle -> handle.createQuery(
                                "SELECT status, count(*) AS n FROM sessions WHERE ended_at IS NULL GROUP BY status")
                        .map((row, context) -> Map.entry(status(row), row.getLong("n")))
                        .forEach(entry -> counts.put(entry.getKey(), entry.getValue())));
        return counts;
    }

    /**
     * Lets {@code event} happen to a session: checks the table, writes the new status and {@code change}, and appends
     * {@code session.<status>} to the timeline, all or nothing. Of several callers that race one is first, and the others meet
     * the status that it left.
     *
     * @return the session afterwards
     * @throws FailureException {@link CauseCode#NOT_FOUND}; {@link CauseCode#CONFLICT} when the table has no such row (its Java cause is the
     *     {@link IllegalTransitionException}, its evidence the timeline's last events) or the session is at another version
     */
    public StoredSession transition(Scope scope, SessionId id, SessionLife.Event event, SessionChange change) {
        return carrying(
                id,
                () -> database.step(
                        "session " + event.name().toLowerCase(Locale.ROOT),
                        scope,
                        handle -> transition(handle, id, event, change)));
    }

    private <T> T carrying(SessionId id, Supplier<T> change) {
        return timelines.carrying(List.of(TimelineId.of(id)), change);
    }

    /** As {@link #transition(Scope, SessionId, SessionLife.Event, SessionChange)}, in the caller's transaction. */
    StoredSession transition(Handle handle, SessionId id, SessionLife.Event event, SessionChange change) {
        StoredSession before = lock(handle, id, change);
        SessionStatus next = timelines.next(handle, SessionLife.TABLE, before.status(), event, TimelineId.of(id));
        StoredSession after = write(handle, before, next, change, defaultText(next, change));
        handle.afterCommit(() -> {
            outcomes.sessionMoved(before, after);
            if (after.status().isEnded()) {
                outcomes.sessionEnded(after);
            }
        });
        return after;
    }

    /**
     * Changes a session that has not ended, its status excepted; the timeline gets {@code session.updated} when the change says
     * something.
     *
     * @return the session afterwards
     * @throws FailureException {@link CauseCode#NOT_FOUND}; {@link CauseCode#CONFLICT} when it has ended or is at another version
     */
    public StoredSession update(Scope scope, SessionId id, SessionChange change) {
        return carrying(
                id,
                () -> database.step("session updated", scope, handle -> {
                    StoredSession before = lock(handle, id, change);
                    if (before.endedAt() != null) {
                        throw FailureException.of(
                                CauseCode.CONFLICT,
                                "The session " + id + " is " + before.status().wire() + ".");
                    }
                    return write(handle, before, before.status(), change, change.text());
                }));
    }

    /**
     * Tells how many watch the session's screen now. Ended sessions are watched too; the version stays.
     *
     * @throws FailureException {@link CauseCode#NOT_FOUND}
     */
    public StoredSession viewers(SessionId id, int now) {
        return touch(id, "viewers = :value, last_viewed = :now", now, null);
    }

    /** Its user did something; the version stays. */
    public void seen(SessionId id) {
        touch(id, "last_viewed = CAST(:value AS timestamptz)", database.now(), null);
    }

    /**
     * Says that the browser machine of an ended session is needed no more.
     *
     * @throws FailureException {@link CauseCode#NOT_FOUND}; {@link CauseCode#CONFLICT} while the session has not ended
     */
    public StoredSession release(SessionId id) {
        return touch(id, "released = :value", true, "The page needs the browser machine no more.");
    }

    /**
     * Asks for the browser machine of an ended session to stay.
     *
     * @param until when it may go; what limits it is the policy's
     * @throws FailureException {@link CauseCode#NOT_FOUND}; {@link CauseCode#CONFLICT} while the session has not ended
     */
    public StoredSession keep(SessionId id, Instant until) {
        return touch(
                id,
                "kept_until = CAST(:value AS timestamptz)",
                until,
                "Somebody asked for the browser machine to stay until " + until.truncatedTo(ChronoUnit.SECONDS) + ".");
    }

    /** @param text of the event; null for none, and then the session need not have ended */
    private StoredSession touch(SessionId id, String assignment, Object value, @Nullable String text) {
        return database.inTransaction(Scope.all(), handle -> {
            StoredSession before = lock(handle, id, SessionChange.none());
            if (text != null && before.endedAt() == null) {
                throw FailureException.of(
                        CauseCode.CONFLICT,
                        "The session is " + before.status().wire() + ": cancel it, or finish the sign-in.");
            }
            StoredSession after = handle.createQuery(
                            "UPDATE sessions SET " + assignment + " WHERE id = :id RETURNING *")
                    .bind("value", value)
                    .bind("now", database.now())
                    .bind("id", id.value())
                    .map((row, context) -> session(row))
                    .one();
            if (text != null) {
                timelines.append(handle, TimelineId.of(id), "browser.stay", text, Map.of());
            }
            timers.changed(handle, after);
            return after;
        });
    }

    /** Nobody watches any session of {@code host}: its controller starts anew, and those who watched come back in a moment. */
    public void forgetViewers(HostId host) {
        database.useTransaction(
                Scope.all(),
                handle -> handle.createQuery(
                                "UPDATE sessions SET viewers = 0, last_viewed = :now WHERE viewers > 0 AND host = :host RETURNING *")
                        .bind("now", database.now())
                        .bind("host", host.value())
                        .map((row, context) -> session(row))
                        .list()
                        .forEach(session -> timers.changed(handle, session)));
    }

    /** Sets the timers of a session anew, as after a change. */
    public void resetTimers(SessionId id) {
        database.useTransaction(Scope.all(), handle -> timers.changed(handle, lock(handle, id, SessionChange.none())));
    }

    /**
     * Forgets sessions that ended before {@code end}, with their timelines, the oldest first.
     *
     * @return how many
     */
    public int deleteEndedBefore(Instant end, int atMost) {
        return database.inTransaction(Scope.all(), handle -> {
            // Materialized: joined to the table, the inner query could run again for each row, and find others each
            // time.
            List<String> ids = handle.createQuery("WITH old AS MATERIALIZED (SELECT id FROM sessions"
                            + " WHERE ended_at < :end ORDER BY ended_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
                            + " DELETE FROM sessions WHERE id IN (SELECT id FROM old) RETURNING id")
                    .bind("end", end)
                    .bind("limit", atMost)
                    .mapTo(String.class)
                    .list();
            ids.forEach(id -> timelines.forget(handle, TimelineId.of(new SessionId(id))));
            return ids.size();
        });
    }

    private static StoredSession lock(Handle handle, SessionId id, SessionChange change) {
        StoredSession session = handle.createQuery("SELECT * FROM sessions WHERE id = :id FOR UPDATE")
                .bind("id", id.value())
                .map((row, context) -> session(row))
                .findOne()
                .orElseThrow(() -> missing(id));
        Long expected = change.ifVersion();
        if (expected != null && expected != session.version()) {
            throw FailureException.of(
                    CauseCode.CONFLICT,
                    "The session " + id + " is at version " + session.version() + ", not at " + expected + ".");
        }
        return session;
    }

    private StoredSession write(
            Handle handle, StoredSession before, SessionStatus next, SessionChange change, @Nullable String text) {
        Instant now = database.now();
        MachineId browser = change.browserMachine() == null ? before.browserMachine() : change.browserMachine();
        MachineId cli = change.cliMachine() == null ? before.cliMachine() : change.cliMachine();
        StoredSession after = handle.createQuery("UPDATE sessions SET status = :status, browser_machine = :browser,"
                        + " cli_machine = :cli, version = version + 1, cause = COALESCE(CAST(:cause AS jsonb), cause),"
                        + " proof = COALESCE(:proof, proof), updated_at = :now,"
                        + " status_since = CASE WHEN status = :status THEN status_since ELSE CAST(:now AS timestamptz) END,"
                        + " expires_at = COALESCE(CAST(:expires AS timestamptz), expires_at),"
                        + " sealed_version = COALESCE(:sealed, sealed_version),"
                        + " ended_at = CASE WHEN :ended THEN CAST(:now AS timestamptz) END WHERE id = :id RETURNING *")
                .bind("status", next.wire())
                .bind("browser", browser == null ? null : browser.value())
                .bind("cli", cli == null ? null : cli.value())
                .bind("cause", Json.cause(change.cause()))
                .bind("proof", change.proof() == null ? null : Texts.bounded(change.proof(), MAX_PROOF))
                .bind("now", now)
                .bind("expires", change.expiresAt())
                .bind("sealed", change.sealedVersion())
                .bind("ended", next.isEnded())
                .bind("id", before.id().value())
                .map((row, context) -> session(row))
                .one();
        if (text != null) {
            Map<String, String> details = new HashMap<>(change.details());
            Cause cause = change.cause();
            if (cause != null) {
                details.putAll(cause.details());
            }
            String step = next == before.status() ? "session.updated" : step(next);
            timelines.append(handle, TimelineId.of(before.id()), step, text, details);
        }
        timers.changed(handle, after);
        return after;
    }

    private static String defaultText(SessionStatus next, SessionChange change) {
        if (change.text() != null) {
            return change.text();
        }
        Cause cause = change.cause();
        if (cause != null) {
            return cause.code().sentence() + " " + cause.detail();
        }
        return switch (next) {
            case INITIALIZING -> "The sign-in begins.";
            case VM_CREATED -> "The browser machine is ready.";
            case AWAITING_USER -> "The sign-in page is open and waits for the user.";
            case TRANSFERRING -> "The tool has signed in; its credentials are being handed over.";
            case COMPLETED -> "The tool in the CLI machine is signed in.";
            case FAILED -> "The sign-in failed.";
            case CANCELLED -> "The sign-in was cancelled.";
            case EXPIRED -> "The user did not finish the sign-in in time.";
        };
    }

    private static String step(SessionStatus status) {
        return "session." + status.wire();
    }

    /** @throws FailureException {@link CauseCode#SIGN_IN_RUNNING} when {@code user} has a session with {@code provider} that has not ended */
    public void mustNotRun(UserId user, ProviderId provider) {
        runningOf(user, provider).ifPresent(session -> {
            throw running(
                    user, provider, session.id() + " is " + session.status().wire());
        });
    }

    private static FailureException running(Handle handle, UserId user, ProviderId provider) {
        // None is found when it has ended since: asking again will do then, and the answer is the same.
        String which = handle.createQuery("SELECT id || ' is ' || status FROM sessions"
                        + " WHERE user_id = :user AND provider = :provider AND ended_at IS NULL")
                .bind("user", user.value())
                .bind("provider", provider.value())
                .mapTo(String.class)
                .findOne()
                .orElse("it is just ending");
        return running(user, provider, which);
    }

    private static FailureException running(UserId user, ProviderId provider, String which) {
        return FailureException.of(
                CauseCode.SIGN_IN_RUNNING, "User " + user + ", provider " + provider + ": " + which + ".");
    }

    private static FailureException missing(SessionId id) {
        return FailureException.of(CauseCode.NOT_FOUND, "There is no session " + id + ".");
    }

    private static StoredSession session(ResultSet row) throws SQLException {
        String browser = row.getString("browser_machine");
        String cli = row.getString("cli_machine");
        String host = row.getString("host");
        return new StoredSession(
                new SessionId(row.getString("id")),
                new UserId(row.getString("user_id")),
                new ProviderId(row.getString("provider")),
                status(row),
                browser == null ? null : new MachineId(browser),
                cli == null ? null : new MachineId(cli),
                row.getLong("version"),
                Json.cause(row.getString("cause")),
                row.getString("proof"),
                row.getInt("viewers"),
                Rows.instantOrNull(row, "last_viewed"),
                Rows.instant(row, "created_at"),
                Rows.instant(row, "updated_at"),
                Rows.instantOrNull(row, "ended_at"),
                host == null ? null : new HostId(host),
                Rows.instantOrNull(row, "expires_at"),
                row.getObject("sealed_version", Long.class),
                row.getBoolean("released"),
                Rows.instant(row, "status_since"),
                Rows.instantOrNull(row, "kept_until"));
    }

    private static SessionStatus status(ResultSet row) throws SQLException {
        return SessionStatus.valueOf(row.getString("status").toUpperCase(Locale.ROOT));
    }
}
