package dev.sallyport.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TicketsTest {
    private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

    private final SettableClock clock = new SettableClock();
    private final Tickets tickets = new Tickets(clock);
    private final SessionId session = SessionId.random();

    @Test
    void opensOnceForWhomItWasIssued() {
        Ticket ticket = tickets.issue(session, "u-1");
        assertThat(ticket.expires()).isEqualTo(START.plusSeconds(30));
        assertThat(tickets.redeem(session, ticket.token())).isEqualTo(new Grant(session, "u-1", START));
        assertRefused(session, ticket.token());
        assertThat(tickets.size()).isZero();
    }

    @Test
    void refusesForgeriesAndOtherSessions() {
        Ticket ticket = tickets.issue(session, "u-1");
        assertRefused(session, Secret.of(""));
        assertRefused(session, Secret.random(32));
        assertRefused(session, Secret.of(ticket.token().reveal().substring(1)));
        assertRefused(session, Secret.of(ticket.token().sha256()));
        assertRefused(SessionId.random(), ticket.token());
        assertThat(tickets.redeem(session, ticket.token()).holder()).isEqualTo("u-1");
    }

    @Test
    void expires() {
        Ticket last = tickets.issue(session, "u-1");
        clock.now = last.expires().minusNanos(1);
        tickets.redeem(session, last.token());
        Ticket late = tickets.issue(session, "u-1");
        clock.now = late.expires();
        assertRefused(session, late.token());
    }

    @Test
    void keepsNeitherTokensNorExpiredOnes() {
        Ticket ticket = tickets.issue(session, "u-1");
        assertThat(ticket.toString()).doesNotContain(ticket.token().reveal());
        clock.now = ticket.expires();
        tickets.issue(SessionId.random(), "u-2");
        assertThat(tickets.size()).isEqualTo(1);
    }

    @Test
    void forgetsTheOldestOfOneSessionAndSparesTheOthers() {
        Ticket other = tickets.issue(SessionId.random(), "u-2");
        List<Ticket> many = IntStream.range(0, Tickets.PER_SESSION + 1)
                .mapToObj(i -> tickets.issue(session, "u-1"))
                .toList();
        assertThat(tickets.size()).isEqualTo(Tickets.PER_SESSION + 1);
        assertRefused(session, many.getFirst().token());
        many.subList(1, many.size()).forEach(ticket -> tickets.redeem(session, ticket.token()));
        assertThat(other.expires()).isAfter(START);
        assertThat(tickets.size()).isEqualTo(1);
    }

    @Test
    void boundsTheNumberOfSessions() {
        for (int i = 0; i < Tickets.SESSIONS + 5; i++) {
            tickets.issue(SessionId.random(), "u-1");
        }
        assertThat(tickets.size()).isEqualTo(Tickets.SESSIONS);
    }

    @Test
    void letsOnlyOneOfManyAtOnceThrough() throws Exception {
        Ticket ticket = tickets.issue(session, "u-1");
        var start = new CountDownLatch(1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Boolean>> tries = IntStream.range(0, 64)
                    .mapToObj(i -> threads.submit(() -> {
                        start.await();
                        try {
                            tickets.redeem(session, ticket.token());
                            return true;
                        } catch (FailureException e) {
                            return false;
                        }
                    }))
                    .toList();
            start.countDown();
            int through = 0;
            for (Future<Boolean> result : tries) {
                through += result.get() ? 1 : 0;
            }
            assertThat(through).isEqualTo(1);
        }
    }

    private void assertRefused(SessionId at, Secret token) {
        assertThatThrownBy(() -> tickets.redeem(at, token))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.reason().code()).isEqualTo(CauseCode.TICKET_INVALID));
    }

    private static final class SettableClock extends Clock {
        private Instant now = START;

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @Test
    void takesAnotherLife() {
        var brief = new Tickets(clock, Duration.ofSeconds(2));
        assertThat(brief.issue(session, "u-1").expires()).isEqualTo(START.plusSeconds(2));
    }
}
