package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.IllegalTransitionException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.vault.Vault;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Machines. A state changes only through {@link #transition}, under the row's lock and by {@link MachineLife#TABLE}, together with
 * the event on the machine's timeline. Their agents' tokens are sealed by the vault, and gone when the machine is.
 */
public final class MachineStore {
    private static final int MAX_REASON = 400;

    /**
     * A machine that is to be made.
     *
     * @param id its id
     * @param type its kind
     * @param user whose it will be; null for one that is nobody's
     * @param session the session that it is for; null for none
     * @param imageId the image's id
     * @param driver the driver's name
     * @param agentToken what the controller proves itself with to its agent
     * @param host where it will be; null for none
     * @param egress hosts that it may reach
     * @param purpose what it is for
     */
    public record NewMachine(
            MachineId id,
            VmType type,
            @Nullable UserId user,
            @Nullable SessionId session,
            String imageId,
            String driver,
            Secret agentToken,
            @Nullable HostId host,
            Set<String> egress,
            Purpose purpose) {
        public NewMachine {
            egress = Set.copyOf(egress);
        }

        /** A user's, or, without one, one that is kept ready for anybody. */
        public NewMachine(
                MachineId id,
                VmType type,
                @Nullable UserId user,
                @Nullable SessionId session,
                String imageId,
                String driver,
                Secret agentToken,
                @Nullable HostId host,
                Set<String> egress) {
            this(
                    id,
                    type,
                    user,
                    session,
                    imageId,
                    driver,
                    agentToken,
                    host,
                    egress,
                    user == null ? Purpose.POOL : Purpose.USER);
        }
    }

    private final Database database;
    private final TimelineStore timelines;
    private final Vault vault;
    private final OutcomeListener outcomes;

    /**
     * @param database where machines are kept
     * @param timelines where their events go
     * @param vault seals their agents' tokens
     * @param outcomes told of those that came up and those that did not
     */
    public MachineStore(Database database, TimelineStore timelines, Vault vault, OutcomeListener outcomes) {
        this.database = database;
        this.timelines = timelines;
        this.vault = vault;
        this.outcomes = outcomes;
    }

    /**
     * Writes a machine down with its timeline, before anything of it is made. A browser machine becomes its session's in the same
     * moment.
     *
     * @throws FailureException {@link CauseCode#CONFLICT} when the session that it is for has ended
     */
    public StoredMachine plan(NewMachine machine) {
        byte[] sealed = sealed(machine);
        return database.step(
                "machine " + machine.type().wire() + " planned",
                Scope.all(),
                handle -> plan(handle, machine, sealed, MachineLife.TABLE.initial()));
    }

    /**
     * Writes a machine down as {@link #plan} does, and lets its start begin in the same transaction: between the two nothing is made.
     *
     * @param told what its timelines are to say besides
     * @throws FailureException {@link CauseCode#CONFLICT} when the session that it is for has ended
     */
    public StoredMachine begin(NewMachine machine, List<TimelineStore.Entry> told) {
        byte[] sealed = sealed(machine);
        String kind = machine.purpose() == Purpose.USER ? "" : machine.purpose().wire() + " ";
        return timelines.carrying(
                told.stream().map(TimelineStore.Entry::timeline).toList(),
                () -> database.step("machine " + kind + machine.type().wire() + " begun", Scope.all(), handle -> {
                    // One row and its lines, in as few statements as can be: somebody waits.
                    MachineState begun = MachineLife.TABLE.next(MachineLife.TABLE.initial(), MachineLife.Event.START);
                    StoredMachine stored = plan(handle, machine, sealed, begun);
                    TimelineId own = TimelineId.of(machine.id());
                    var lines = new ArrayList<>(List.of(
                            new TimelineStore.Entry(own, step(begun), text(begun, MachineChange.none()), Map.of())));
                    for (TimelineStore.Entry entry : told) {
                        if (entry.timeline().equals(own)) {
                            lines.add(entry);
                        } else {
                            timelines.append(handle, entry.timeline(), entry.step(), entry.text(), entry.details());
                        }
                    }
                    timelines.appendAll(handle, own, lines);
                    return stored;
                }));
    }

    private byte[] sealed(NewMachine machine) {
        return vault.sealSmall(purpose(machine.id()), machine.agentToken());
    }

    /** @param state that it stands in; its first event is that it is planned, whichever that is */
    private StoredMachine plan(Handle handle, NewMachine machine, byte[] sealed, MachineState state) {
        UserId user = machine.user();
        SessionId session = machine.session();
        HostId host = machine.host();
        StoredMachine stored = handle.createQuery("INSERT INTO machines (id, vm_type, state, user_id, session_id,"
                        + " image_id, driver, agent_token, host, egress, purpose, created_at, updated_at) VALUES (:id,"
                        + " :type, :state, :user, :session, :image, :driver, :token, :host, CAST(:egress AS jsonb),"
                        + " :purpose, :now, :now) RETURNING *")
                .bind("id", machine.id().value())
                .bind("type", machine.type().wire())
                .bind("state", state.wire())
                .bind("user", user == null ? null : user.value())
                .bind("session", session == null ? null : session.value())
                .bind("image", machine.imageId())
                .bind("driver", machine.driver())
                .bind("token", sealed)
                .bind("host", host == null ? null : host.value())
                .bind("egress", Json.texts(machine.egress()))
                .bind("purpose", machine.purpose().wire())
                .bind("now", database.now())
                .map((row, context) -> machine(row))
                .one();
        if (session != null && machine.type() == VmType.BROWSER) {
            giveTo(handle, session, machine.id());
        }
        timelines.begin(
                handle,
                user,
                new TimelineStore.Entry(
                        TimelineId.of(machine.id()),
                        step(MachineLife.TABLE.initial()),
                        "The machine is planned.",
                        Map.of("image", machine.imageId(), "driver", machine.driver())));
        return stored;
    }

    private static void giveTo(Handle handle, SessionId session, MachineId browser) {
        int given = handle.createUpdate(
                        "UPDATE sessions SET browser_machine = :machine WHERE id = :id AND ended_at IS NULL")
                .bind("machine", browser.value())
                .bind("id", session.value())
                .execute();
        if (given == 0) {
            throw FailureException.of(CauseCode.CONFLICT, "The session " + session + " has ended.");
        }
    }

    /**
     * A machine runs: how it is found again, and where it is reached.
     *
     * @throws FailureException {@link CauseCode#NOT_FOUND}; {@link CauseCode#CONFLICT} when it is no longer starting
     */
    public StoredMachine runs(MachineId id, String handleOfDriver, InetSocketAddress agent, InetSocketAddress streams) {
        return database.repeatableStep(
                "machine runs",
                Scope.all(),
                handle -> handle.createQuery("UPDATE machines SET handle = :handle, agent_host = :agentHost,"
                                + " agent_port = :agentPort, streams_host = :streamsHost, streams_port = :streamsPort,"
                                + " version = version + 1, updated_at = :now WHERE id = :id AND state = :starting"
                                + " RETURNING *")
                        .bind("starting", MachineState.STARTING.wire())
                        .bind("handle", handleOfDriver)
                        .bind("agentHost", host(agent))
                        .bind("agentPort", agent.getPort())
                        .bind("streamsHost", host(streams))
                        .bind("streamsPort", streams.getPort())
                        .bind("now", database.now())
                        .bind("id", id.value())
                        .map((row, context) -> machine(row))
                        .findOne()
                        .orElseThrow(() -> FailureException.of(
                                CauseCode.CONFLICT,
                                "The machine " + id + " is "
                                        + lock(handle, id).state().wire() + ".")));
    }

    /** The machine; empty when there is none, or none that the scope may see. */
    public Optional<StoredMachine> find(Scope scope, MachineId id) {
        return database.repeatably(
                scope,
                handle -> handle.createQuery("SELECT * FROM machines WHERE id = :id")
                        .bind("id", id.value())
                        .map((row, context) -> machine(row))
                        .findOne());
    }

    /**
     * The machine.
     *
     * @throws FailureException {@link CauseCode#NOT_FOUND} when there is none, or none that the scope may see
     */
    public StoredMachine get(Scope scope, MachineId id) {
        return find(scope, id).orElseThrow(() -> missing(id));
    }

    /**
     * Lists machines, newest first.
     *
     * @param cursor what the page before named as its next; null for the first page
     * @param limit most items, from 1; more than 500 is taken as 500
     */
    public Page<StoredMachine> list(Scope scope, MachineQuery query, @Nullable String cursor, int limit) {
        Cursor after = Cursor.parse(cursor);
        int most = Cursor.limit(limit);
        var conditions = new StringBuilder("true");
        Map<String, Object> values = new HashMap<>();
        if (query.user() != null) {
            conditions.append(" AND user_id = :user");
            values.put("user", query.user().value());
        }
        if (query.type() != null) {
            conditions.append(" AND vm_type = :type");
            values.put("type", query.type().wire());
        }
        if (query.session() != null) {
            conditions.append(" AND session_id = :session");
            values.put("session", query.session().value());
        }
        if (query.aliveOnly()) {
            conditions.append(" AND ended_at IS NULL");
        }
        if (after != null) {
            conditions.append(" AND (created_at, id) < (:afterTime, :afterId)");
            values.put("afterTime", after.at());
            values.put("afterId", after.id());
        }
        List<StoredMachine> rows = database.repeatably(
                scope,
                handle -> handle.createQuery("SELECT * FROM machines WHERE " + conditions
                                + " ORDER BY created_at DESC, id DESC LIMIT :limit")
                        .bindMap(values)
                        .bind("limit", most + 1)
                        .map((row, context) -> machine(row))
                        .list());
        return Cursor.page(
                rows, most, last -> new Cursor(last.createdAt(), last.id().value()));
    }

    /** The machines of a host that are not destroyed, oldest first: what its controller adopts, works on, or ends. */
    public List<StoredMachine> notDestroyed(HostId host) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT * FROM machines WHERE ended_at IS NULL AND host = :host"
                                + " ORDER BY created_at, id")
                        .bind("host", host.value())
                        .map((row, context) -> machine(row))
                        .list());
    }

    /** The ids alone of {@link #notDestroyed}: of thousands, few are looked at further. */
    public List<MachineId> idsNotDestroyed(HostId host) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT id FROM machines WHERE ended_at IS NULL AND host = :host")
                        .bind("host", host.value())
                        .mapTo(String.class)
                        .map(MachineId::new)
                        .list());
    }

    /** Those machines of a host that are to be undone, and are not. */
    public List<StoredMachine> notUndone(HostId host) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT * FROM machines WHERE ended_at IS NULL AND host = :host"
                                + " AND state IN ('destroying', 'lost') ORDER BY created_at, id")
                        .bind("host", host.value())
                        .map((row, context) -> machine(row))
                        .list());
    }

    /** The CLI machine of {@code user} that is up or coming up, the newest when there are several. */
    public Optional<StoredMachine> cliOf(UserId user) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT * FROM machines WHERE user_id = :user AND vm_type = 'cli'"
                                + " AND state IN ('planned', 'starting', 'ready') ORDER BY created_at DESC LIMIT 1")
                        .bind("user", user.value())
                        .map((row, context) -> machine(row))
                        .findOne());
    }

    /** Whether {@link #furnished} was said of a machine. */
    public boolean isFurnished(MachineId id) {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT furnished FROM machines WHERE id = :id")
                        .bind("id", id.value())
                        .mapTo(Boolean.class)
                        .findOne()
                        .orElse(false));
    }

    /** A CLI machine was given its user's credentials. */
    public void furnished(MachineId id) {
        database.repeatableStep(
                "machine furnished",
                Scope.all(),
                handle -> handle.createUpdate("UPDATE machines SET furnished = true WHERE id = :id")
                        .bind("id", id.value())
                        .execute());
    }

    /** How many machines of a kind stand in a state. */
    public record Count(VmType type, MachineState state, long machines) {}

    /** The machines that are not destroyed, counted. */
    public List<Count> counts() {
        return database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT vm_type, state, count(*) AS n FROM machines"
                                + " WHERE ended_at IS NULL GROUP BY vm_type, state")
                        .map((row, context) ->
                                new Count(VmType.ofWire(row.getString("vm_type")), state(row), row.getLong("n")))
                        .list());
    }

    /**
     * Lets {@code event} happen to a machine: checks the table, writes the new state and {@code change}, and appends
     * {@code machine.<state>} to its timeline, all or nothing. Of several callers that race one is first, and the others meet the
     * state that it left. A destroyed machine's token is wiped.
     *
     * @return the machine afterwards
     * @throws FailureException {@link CauseCode#NOT_FOUND}; {@link CauseCode#CONFLICT} when the table has no such row (its Java cause is the
     *     {@link IllegalTransitionException}, its evidence the timeline's last events) or the machine is at another version
     */
    public StoredMachine transition(MachineId id, MachineLife.Event event, MachineChange change) {
        var told = new ArrayList<>(List.of(TimelineId.of(id)));
        change.told().forEach(entry -> told.add(entry.timeline()));
        return timelines.carrying(
                told,
                () -> database.step(
                        "machine " + event.name().toLowerCase(Locale.ROOT),
                        Scope.all(),
                        handle -> transition(handle, id, event, change)));
    }

    /** As {@link #transition(MachineId, MachineLife.Event, MachineChange)}, in the caller's transaction. */
    StoredMachine transition(Handle handle, MachineId id, MachineLife.Event event, MachineChange change) {
        return changed(handle, lock(handle, id), event, change);
    }

    /** @param before as it is, seen in this transaction, which holds its row */
    private StoredMachine changed(Handle handle, StoredMachine before, MachineLife.Event event, MachineChange change) {
        MachineId id = before.id();
        Long expected = change.ifVersion();
        if (expected != null && expected != before.version()) {
            throw FailureException.of(
                    CauseCode.CONFLICT,
                    "The machine " + id + " is at version " + before.version() + ", not at " + expected + ".");
        }
        MachineState next = timelines.next(handle, MachineLife.TABLE, before.state(), event, TimelineId.of(id));
        StoredMachine after = write(handle, before, next, change);
        Optional<Instant> sessionEnded = event == MachineLife.Event.GONE && after.type() == VmType.BROWSER
                ? endOf(handle, after.session())
                : Optional.empty();
        handle.afterCommit(() -> {
            tell(after, event, change);
            sessionEnded.ifPresent(ended -> outcomes.browserGone(Duration.between(ended, after.updatedAt())));
        });
        return after;
    }

    /**
     * Gives a machine that was kept ready on {@code host} to a user: in one update, so that of all who want it, on whichever
     * controller, one gets it. Its timeline becomes the user's, and the session's tells of it too.
     *
     * @param session the session that it is to serve; null for none
     * @param egress hosts that it may reach from now on
     * @return the machine afterwards; empty when it is not to be had (any more)
     * @throws FailureException {@link CauseCode#CONFLICT} when the session has ended; the machine stays as it was
     */
    public Optional<StoredMachine> claim(
            MachineId id, HostId host, UserId user, @Nullable SessionId session, Set<String> egress) {
        var told = new ArrayList<>(List.of(TimelineId.of(id)));
        if (session != null) {
            told.add(TimelineId.of(session));
        }
        return timelines.carrying(
                told,
                () -> database.step("machine claimed", Scope.all(), handle -> {
                    Optional<StoredMachine> claimed = handle.createQuery("UPDATE machines SET user_id = :user,"
                                    + " session_id = :session, egress = CAST(:egress AS jsonb), purpose = 'user',"
                                    + " version = version + 1, updated_at = :now WHERE id = :id AND host = :host"
                                    + " AND purpose = 'pool' AND state = 'ready' AND user_id IS NULL RETURNING *")
                            .bind("user", user.value())
                            .bind("session", session == null ? null : session.value())
                            .bind("egress", Json.texts(egress))
                            .bind("now", database.now())
                            .bind("id", id.value())
                            .bind("host", host.value())
                            .map((row, context) -> machine(row))
                            .findOne();
                    claimed.ifPresent(machine -> given(handle, machine, user, session));
                    return claimed;
                }));
    }

    private void given(Handle handle, StoredMachine machine, UserId user, @Nullable SessionId session) {
        TimelineId own = TimelineId.of(machine.id());
        timelines.give(handle, own, user);
        timelines.append(handle, own, "claimed", "Claimed from the pool.", Map.of());
        if (session != null) {
            if (machine.type() == VmType.BROWSER) {
                giveTo(handle, session, machine.id());
            }
            timelines.append(
                    handle,
                    TimelineId.of(session),
                    machine.type().wire() + ".claimed",
                    "Claimed from the pool.",
                    Map.of("machine", machine.id().value()));
        }
    }

    /**
     * What the controller proves itself with to the machine's agent.
     *
     * @throws FailureException {@link CauseCode#NOT_FOUND}; {@link CauseCode#CONFLICT} when the machine is destroyed;
     *     {@link CauseCode#VAULT_LOCKED} when it does not open
     */
    public Secret agentToken(MachineId id) {
        List<byte[]> sealed = database.repeatably(
                Scope.all(),
                handle -> handle.createQuery("SELECT agent_token FROM machines WHERE id = :id")
                        .bind("id", id.value())
                        .map((row, context) -> {
                            byte[] token = row.getBytes("agent_token");
                            return token == null ? new byte[0] : token;
                        })
                        .list());
        if (sealed.isEmpty()) {
            throw missing(id);
        }
        if (sealed.getFirst().length == 0) {
            throw FailureException.of(CauseCode.CONFLICT, "The machine " + id + " is destroyed.");
        }
        return vault.openSmall(purpose(id), sealed.getFirst());
    }

    /**
     * Forgets machines that were destroyed before {@code end}, with their timelines and the list of what was undone, the oldest
     * first. A machine of which something is not undone is kept.
     *
     * @return how many
     */
    public int deleteDestroyedBefore(Instant end, int atMost) {
        return database.inTransaction(Scope.all(), handle -> {
            List<String> ids = handle.createQuery("SELECT id FROM machines m WHERE ended_at < :end AND NOT EXISTS"
                            + " (SELECT 1 FROM resources r WHERE r.machine_id = m.id AND r.undone_at IS NULL)"
                            + " ORDER BY ended_at LIMIT :limit FOR UPDATE SKIP LOCKED")
                    .bind("end", end)
                    .bind("limit", atMost)
                    .mapTo(String.class)
                    .list();
            for (String id : ids) {
                handle.createUpdate("DELETE FROM resources WHERE machine_id = :id")
                        .bind("id", id)
                        .execute();
                handle.createUpdate("DELETE FROM machines WHERE id = :id")
                        .bind("id", id)
                        .execute();
                timelines.forget(handle, TimelineId.of(new MachineId(id)));
            }
            return ids.size();
        });
    }

    private static Optional<Instant> endOf(Handle handle, @Nullable SessionId session) {
        return session == null
                ? Optional.empty()
                : handle.createQuery("SELECT ended_at FROM sessions WHERE id = :id AND ended_at IS NOT NULL")
                        .bind("id", session.value())
                        .mapTo(Instant.class)
                        .findOne();
    }

    private void tell(StoredMachine after, MachineLife.Event event, MachineChange change) {
        Cause cause = change.cause();
        if (event == MachineLife.Event.AGENT_READY) {
            outcomes.machineReady(after);
        } else if (event == MachineLife.Event.END && cause != null && after.readyAt() == null) {
            outcomes.startFailed(after, cause);
        }
    }

    private static StoredMachine lock(Handle handle, MachineId id) {
        return handle.createQuery("SELECT * FROM machines WHERE id = :id FOR UPDATE")
                .bind("id", id.value())
                .map((row, context) -> machine(row))
                .findOne()
                .orElseThrow(() -> missing(id));
    }

    private StoredMachine write(Handle handle, StoredMachine before, MachineState next, MachineChange change) {
        InetSocketAddress agent = change.agent() == null ? before.agent() : change.agent();
        InetSocketAddress streams = change.streams() == null ? before.streams() : change.streams();
        StoredMachine after = handle.createQuery("UPDATE machines SET state = :state, version = version + 1,"
                        + " agent_token = CASE WHEN :gone THEN NULL ELSE agent_token END,"
                        + " agent_host = :agentHost, agent_port = :agentPort,"
                        + " streams_host = :streamsHost, streams_port = :streamsPort,"
                        + " end_reason = COALESCE(:reason, end_reason),"
                        + " cause = COALESCE(CAST(:cause AS jsonb), cause), updated_at = :now,"
                        + " ready_at = CASE WHEN :ready THEN CAST(:now AS timestamptz) ELSE ready_at END,"
                        + " ended_at = CASE WHEN :gone THEN CAST(:now AS timestamptz) END WHERE id = :id RETURNING *")
                .bind("state", next.wire())
                .bind("gone", next == MachineState.DESTROYED)
                .bind("ready", next == MachineState.READY)
                .bind("agentHost", host(agent))
                .bind("agentPort", agent == null ? null : (Integer) agent.getPort())
                .bind("streamsHost", host(streams))
                .bind("streamsPort", streams == null ? null : (Integer) streams.getPort())
                .bind("reason", change.endReason() == null ? null : Texts.bounded(change.endReason(), MAX_REASON))
                .bind("cause", Json.cause(change.cause()))
                .bind("now", database.now())
                .bind("id", before.id().value())
                .map((row, context) -> machine(row))
                .one();
        Map<String, String> details = new HashMap<>(change.details());
        Cause cause = change.cause();
        if (cause != null) {
            details.putAll(cause.details());
        }
        timelines.append(handle, TimelineId.of(before.id()), step(next), text(next, change), details);
        change.told()
                .forEach(entry ->
                        timelines.append(handle, entry.timeline(), entry.step(), entry.text(), entry.details()));
        return after;
    }

    private static String text(MachineState next, MachineChange change) {
        if (change.text() != null) {
            return change.text();
        }
        Cause cause = change.cause();
        if (cause != null) {
            return cause.code().sentence() + " " + cause.detail();
        }
        return switch (next) {
            case PLANNED -> "The machine is planned.";
            case STARTING -> "The machine is being made.";
            case READY -> "The machine's agent answers.";
            case DESTROYING ->
                "The machine ends" + (change.endReason() == null ? "." : ": " + change.endReason() + ".");
            case DESTROYED -> "Nothing of the machine is left but its logs.";
            case LOST -> "The host that the machine is on is gone.";
        };
    }

    private static @Nullable String host(@Nullable InetSocketAddress address) {
        if (address == null) {
            return null;
        }
        InetAddress resolved = address.getAddress();
        return resolved == null ? address.getHostString() : resolved.getHostAddress();
    }

    private static String step(MachineState state) {
        return "machine." + state.wire();
    }

    private static String purpose(MachineId id) {
        return "agent-token|" + id;
    }

    private static FailureException missing(MachineId id) {
        return FailureException.of(CauseCode.NOT_FOUND, "There is no machine " + id + ".");
    }

    private static StoredMachine machine(ResultSet row) throws SQLException {
        String user = row.getString("user_id");
        String session = row.getString("session_id");
        String host = row.getString("host");
        return new StoredMachine(
                new MachineId(row.getString("id")),
                VmType.ofWire(row.getString("vm_type")),
                state(row),
                user == null ? null : new UserId(user),
                session == null ? null : new SessionId(session),
                row.getString("image_id"),
                row.getString("driver"),
                row.getLong("version"),
                address(row.getString("agent_host"), row.getInt("agent_port")),
                address(row.getString("streams_host"), row.getInt("streams_port")),
                row.getString("end_reason"),
                Json.cause(row.getString("cause")),
                Rows.instant(row, "created_at"),
                Rows.instant(row, "updated_at"),
                Rows.instantOrNull(row, "ready_at"),
                Rows.instantOrNull(row, "ended_at"),
                host == null ? null : new HostId(host),
                Json.texts(row.getString("egress")),
                row.getString("handle"),
                Purpose.ofWire(row.getString("purpose")));
    }

    private static MachineState state(ResultSet row) throws SQLException {
        return MachineState.valueOf(row.getString("state").toUpperCase(Locale.ROOT));
    }

    private static @Nullable InetSocketAddress address(@Nullable String host, int port) {
        // A host that is a name stays unresolved until somebody connects: reading a row asks no name server.
        return host == null ? null : literal(host, port);
    }

    private static InetSocketAddress literal(String host, int port) {
        try {
            return new InetSocketAddress(InetAddress.ofLiteral(host), port);
        } catch (IllegalArgumentException e) {
            return InetSocketAddress.createUnresolved(host, port);
        }
    }
}
