package dev.sallyport.controller.host;

import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineSignals;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionId;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bells over PostgreSQL's LISTEN and NOTIFY, on a connection of their own. A call is one word: what it is about ({@code s}, {@code m},
 * {@code t}) and an id.
 */
public final class PostgresBells implements Bells, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresBells.class);
    /** How long one look at the connection waits for calls, and how long after a failure the next one is tried. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** Told what others call; also of what this controller called. */
    public interface Listener extends Bells {
        /** A timeline has a new event. */
        void timeline(TimelineId id);
    }

    private final Database database;
    private volatile boolean closed;

    public PostgresBells(Database database) {
        this.database = database;
    }

    /** Hears calls from now on. */
    public void listen(Listener told) {
        Thread.ofVirtual().name("bells").start(() -> run(told));
    }

    @Override
    public void session(SessionId id) {
        call("s " + id);
    }

    @Override
    public void machine(MachineId id) {
        call("m " + id);
    }

    @Override
    public void close() {
        closed = true;
    }

    private void call(String word) {
        try {
            database.notify(TimelineSignals.CHANNEL, word);
        } catch (FailureException e) {
            LOG.debug("A call was not made; the other side looks by itself in a while", e);
        }
    }

    private void run(Listener told) {
        while (!closed) {
            try (Connection connection = database.listening()) {
                try (Statement listen = connection.createStatement()) {
                    listen.execute("LISTEN " + TimelineSignals.CHANNEL);
                }
                hear(connection.unwrap(PGConnection.class), told);
            } catch (SQLException | FailureException e) {
                LOG.debug("The bells are not heard at this moment: {}", e.toString());
                pause();
            }
        }
    }

    private void hear(PGConnection connection, Listener told) throws SQLException {
        while (!closed) {
            PGNotification[] calls = connection.getNotifications((int) LOOK.toMillis());
            if (calls != null) {
                for (PGNotification call : calls) {
                    heard(call.getParameter(), told);
                }
            }
        }
    }

    private static void heard(String word, Listener told) {
        try {
            String[] parts = word.split(" ", 3);
            switch (parts[0]) {
                case "s" -> told.session(new SessionId(parts[1]));
                case "m" -> told.machine(new MachineId(parts[1]));
                case "t" -> told.timeline(new TimelineId(TimelineId.Kind.valueOf(parts[1]), parts[2]));
                default -> LOG.debug("A call of another version: {}", parts[0]);
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            LOG.debug("A call that says nothing", e);
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.CONFLICT) {
                LOG.warn("A call could not be followed: {}", e.reason().detail());
            }
        } catch (RuntimeException e) {
            LOG.error("A call met a defect", e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LOOK);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
