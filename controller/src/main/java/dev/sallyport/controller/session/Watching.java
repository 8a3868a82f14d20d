package dev.sallyport.controller.session;

import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import dev.sallyport.relay.Viewers;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes down who watches which session, in order, and apart from those who come and go: a viewer does not wait for the database.
 */
public final class Watching implements Viewers.Listener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Watching.class);

    private final SessionStore sessions;
    private final ExecutorService writer = Executors.newSingleThreadExecutor(
            Thread.ofVirtual().name("watching").factory());

    public Watching(SessionStore sessions) {
        this.sessions = sessions;
    }

    @Override
    public void came(SessionId session, int watching) {
        write(session, watching);
    }

    @Override
    public void left(SessionId session, int watching) {
        write(session, watching);
    }

    /** Waits for what is not written yet. */
    @Override
    public void close() {
        writer.close();
    }

    private void write(SessionId session, int watching) {
        writer.execute(() -> Database.persevering(() -> {
            try {
                sessions.viewers(session, watching);
            } catch (FailureException e) {
                LOG.warn(
                        "Who watches {} could not be written down: {}",
                        session,
                        e.reason().detail());
            }
        }));
    }
}
