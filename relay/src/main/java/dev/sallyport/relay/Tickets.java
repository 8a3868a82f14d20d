package dev.sallyport.relay;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Short-lived, single-use screen tickets. A browser cannot send an {@code Authorization} header with a WebSocket, so the page
 * asks for a ticket with its token and opens the socket with the ticket: what lands in an address is worthless seconds later.
 *
 * <p>Only the tokens' SHA-256 are kept, in memory: after a restart every page asks for a new ticket anyway. The number of
 * tickets is bounded; when a session has too many, its oldest is forgotten, so that nobody can crowd out another session.
 */
public final class Tickets {
    /** How long a ticket is good for unless said otherwise. */
    public static final Duration DEFAULT_LIFE = Duration.ofSeconds(30);

    /** Tickets of one session that can be open at the same time. */
    static final int PER_SESSION = 32;

    /** Sessions with open tickets at the same time; beyond it the session that is longest without a new one loses its. */
    static final int SESSIONS = 10_000;

    private static final int TOKEN_BYTES = 32;

    private record Kept(String sha256, String holder, Instant issued, Instant expires) {}

    private final Clock clock;
    private final Duration life;
    /** Guarded by this. In the order of the last issue. */
    private final Map<SessionId, Deque<Kept>> open = new LinkedHashMap<>();

    /** Tickets that live for {@link #DEFAULT_LIFE}. */
    public Tickets(Clock clock) {
        this(clock, DEFAULT_LIFE);
    }

    /**
     * @param clock tells when tickets expire
     * @param life how long each is good for
     */
    public Tickets(Clock clock, Duration life) {
        this.clock = clock;
        this.life = life;
    }

    /**
     * Issues a ticket.
     *
     * @param session whose screen it opens
     * @param holder the user, or operator, to whom it is given
     */
    public synchronized Ticket issue(SessionId session, String holder) {
        Instant now = clock.instant();
        forgetExpired(now);
        Deque<Kept> tickets = open.remove(session);
        if (tickets == null) {
            tickets = new ArrayDeque<>();
            if (open.size() >= SESSIONS) {
                Iterator<SessionId> eldest = open.keySet().iterator();
                eldest.next();
                eldest.remove();
            }
        }
        open.put(session, tickets);
        tickets.removeIf(kept -> !now.isBefore(kept.expires()));
        if (tickets.size() >= PER_SESSION) {
            tickets.removeFirst();
        }
        Secret token = Secret.random(TOKEN_BYTES);
        Instant expires = now.plus(life);
        tickets.addLast(new Kept(token.sha256(), holder, now, expires));
        return new Ticket(token, expires);
    }

    /**
     * Uses a ticket up.
     *
     * @param session whose screen is to be opened
     * @param token as issued
     * @throws FailureException TICKET_INVALID when it was never issued for this session, has expired, or was used before; which
     *     of them is not told
     */
    public synchronized Grant redeem(SessionId session, Secret token) {
        byte[] offered = bytes(token.sha256());
        Deque<Kept> tickets = open.getOrDefault(session, new ArrayDeque<>());
        Kept found = null;
        // All are compared, each in constant time, so that the time taken tells nothing about any of them.
        for (Kept kept : tickets) {
            if (MessageDigest.isEqual(bytes(kept.sha256()), offered)) {
                found = kept;
            }
        }
        return grant(session, tickets, found);
    }

    /** How many tickets are kept, expired ones that nobody has come across yet included. */
    public synchronized int size() {
        return open.values().stream().mapToInt(Deque::size).sum();
    }

    /** Sessions stand in the order of their last tickets, which expire in the same order: the look ends at the first good one. */
    private void forgetExpired(Instant now) {
        Iterator<Deque<Kept>> eldest = open.values().iterator();
        while (eldest.hasNext() && !now.isBefore(eldest.next().getLast().expires())) {
            eldest.remove();
        }
    }

    private Grant grant(SessionId session, Deque<Kept> tickets, @Nullable Kept found) {
        if (found != null) {
            tickets.remove(found);
            if (tickets.isEmpty()) {
                open.remove(session);
            }
            if (clock.instant().isBefore(found.expires())) {
                return new Grant(session, found.holder(), found.issued());
            }
        }
        throw FailureException.of(CauseCode.TICKET_INVALID, "The screen of " + session + " was not opened.");
    }

    private static byte[] bytes(String sha256) {
        return sha256.getBytes(StandardCharsets.US_ASCII);
    }
}
