package dev.sallyport.relay;

import dev.sallyport.model.Cause;
import dev.sallyport.model.SessionId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Who watches which session: a browser machine stays while someone does. */
public final class Viewers {
    /** Viewers of one session at the same time, unless said otherwise. */
    public static final int DEFAULT_PER_SESSION = 50;

    /** Told who comes and goes, one call after the other and in order; it should return soon. */
    public interface Listener {
        /** Does nothing. */
        Listener NONE = new Listener() {
            @Override
            public void came(SessionId session, int watching) {}

            @Override
            public void left(SessionId session, int watching) {}
        };

        /**
         * A viewer came.
         *
         * @param session whose screen
         * @param watching how many watch it now
         */
        void came(SessionId session, int watching);

        /**
         * A viewer left.
         *
         * @param session whose screen
         * @param watching how many still watch it
         */
        void left(SessionId session, int watching);
    }

    /** One open relay. */
    interface Viewer {
        /** Ends it; harmless when it has ended. */
        void end(Closing closing, String reason);
    }

    private final int perSession;
    private final Listener listener;
    /** Guarded by this. */
    private final Map<SessionId, Set<Viewer>> open = new HashMap<>();
    /** Guarded by this. */
    private boolean shutDown;

    /**
     * @param perSession most viewers that a session has at the same time
     * @param listener told who comes and goes
     */
    public Viewers(int perSession, Listener listener) {
        this.perSession = perSession;
        this.listener = listener;
    }

    /** How many watch {@code session}. */
    public synchronized int watching(SessionId session) {
        Set<Viewer> viewers = open.get(session);
        return viewers == null ? 0 : viewers.size();
    }

    /** How many watch any session. */
    public synchronized int watching() {
        return open.values().stream().mapToInt(Set::size).sum();
    }

    /** Ends every relay of {@code session}: its machine is about to go. */
    public void endAll(SessionId session, Cause cause) {
        viewersOf(session).forEach(viewer -> viewer.end(Closing.of(cause.code()), Closing.reason(cause)));
    }

    /** Ends every relay of {@code session} in an orderly way: its screen is over. */
    public void endAll(SessionId session) {
        viewersOf(session).forEach(viewer -> viewer.end(Closing.SCREEN_ENDED, Closing.SCREEN_ENDED.reason()));
    }

    /** Ends every relay, and refuses those that come later. */
    void shutDown() {
        Closing closing = Closing.SHUTTING_DOWN;
        List<Viewer> viewers;
        synchronized (this) {
            shutDown = true;
            viewers = open.values().stream().flatMap(Set::stream).toList();
        }
        viewers.forEach(viewer -> viewer.end(closing, closing.reason()));
    }

    /** Counts {@code viewer} in and returns null, or returns why not. */
    synchronized @Nullable Closing enter(SessionId session, Viewer viewer) {
        if (shutDown) {
            return Closing.SHUTTING_DOWN;
        }
        Set<Viewer> viewers = open.computeIfAbsent(session, key -> new LinkedHashSet<>());
        if (viewers.size() >= perSession) {
            return Closing.TOO_MANY_VIEWERS;
        }
        viewers.add(viewer);
        listener.came(session, viewers.size());
        return null;
    }

    /** Counts {@code viewer} out; harmless when it was not in. */
    synchronized void leave(SessionId session, Viewer viewer) {
        Set<Viewer> viewers = open.get(session);
        if (viewers != null && viewers.remove(viewer)) {
            if (viewers.isEmpty()) {
                open.remove(session);
            }
            listener.left(session, viewers.size());
        }
    }

    private synchronized List<Viewer> viewersOf(SessionId session) {
        return new ArrayList<>(open.getOrDefault(session, Set.of()));
    }
}
