package dev.sallyport.controller.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.controller.http.Views.EventView;
import dev.sallyport.controller.http.Views.SessionView;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.TimelineEvent;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session's timeline as server-sent events (HTML Living Standard, section 9.2): {@code timeline} for each event, with its
 * sequence as the id, and {@code session} with the whole session whenever its status is another. Ends after the session did.
 */
final class SessionEvents {
    private static final Logger LOG = LoggerFactory.getLogger(SessionEvents.class);
    private static final int BATCH = 200;
    /** A comment is sent at least so often, so that a viewer who left is noticed. */
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);

    private final TimelineStore timelines;
    private final SessionStore sessions;
    private final Predicate<SessionId> active;
    private final ObjectMapper json;

    /** @param active says whether a session's flow still runs and may write to its timeline */
    SessionEvents(TimelineStore timelines, SessionStore sessions, Predicate<SessionId> active, ObjectMapper json) {
        this.timelines = timelines;
        this.active = active;
        this.sessions = sessions;
        this.json = json;
    }

    StreamingOutput stream(SessionId id, long after, Function<StoredSession, SessionView> view) {
        return out -> {
            try {
                write(id, after, view, out);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("the controller is shutting down");
            } catch (IOException e) {
                // The reader left, which is its way to say that it has seen enough.
                LOG.debug("A reader of the timeline of {} left", id, e);
            }
        };
    }

    private void write(SessionId id, long after, Function<StoredSession, SessionView> view, OutputStream out)
            throws IOException, InterruptedException {
        long last = after;
        @Nullable String status = null;
        while (true) {
            // Asked before the events are read, so that the last of them are not missed.
            boolean mayGoOn = active.test(id);
            StoredSession session = sessions.get(Scope.all(), id);
            for (List<TimelineEvent> news = timelines.read(Scope.all(), TimelineId.of(id), last, BATCH);
                    !news.isEmpty();
                    news = timelines.read(Scope.all(), TimelineId.of(id), last, BATCH)) {
                for (TimelineEvent event : news) {
                    send(out, "timeline", event.sequence(), EventView.of(event, session.createdAt()));
                    last = event.sequence();
                }
            }
            if (!session.status().wire().equals(status)) {
                status = session.status().wire();
                send(out, "session", last, view.apply(session));
            }
            if (session.status().isEnded() && !mayGoOn) {
                return;
            }
            if (timelines
                    .await(Scope.all(), TimelineId.of(id), last, 1, HEARTBEAT)
                    .isEmpty()) {
                out.write(": still here\n\n".getBytes(StandardCharsets.US_ASCII));
                out.flush();
            }
        }
    }

    private void send(OutputStream out, String name, long id, Object data) throws IOException {
        String text = "id: " + id + "\nevent: " + name + "\ndata: " + json.writeValueAsString(data) + "\n\n";
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
