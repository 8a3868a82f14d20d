package dev.sallyport.controller.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionStatus;
import dev.sallyport.model.UserId;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** When an ended session's browser machine is to end, as a pure function of what is stored. */
final class StayPolicyTest {
    static final StayPolicy.Periods PERIODS = new StayPolicy.Periods(
            Duration.ofSeconds(30),
            Duration.ofSeconds(5),
            Duration.ofMinutes(2),
            Duration.ofMinutes(30),
            Duration.ZERO,
            Duration.ofHours(1));

    private static final Instant ENDED = Instant.parse("2026-05-20T12:00:00Z");

    private final StayPolicy policy = new StayPolicy(PERIODS);
    private final StayPolicy debugging = new StayPolicy(new StayPolicy.Periods(
            PERIODS.afterSuccess(),
            PERIODS.afterFailure(),
            PERIODS.atMost(),
            PERIODS.keptAtMost(),
            Duration.ofHours(1),
            PERIODS.idle()));

    @Test
    void nobodyWatched() {
        assertThat(policy.browserDue(alone(SessionStatus.COMPLETED))).isEqualTo(ENDED.plusSeconds(30));
        assertThat(policy.browserDue(alone(SessionStatus.FAILED))).isEqualTo(ENDED.plusSeconds(5));
        assertThat(policy.browserDue(alone(SessionStatus.EXPIRED))).isEqualTo(ENDED.plusSeconds(5));
        assertThat(policy.browserDue(alone(SessionStatus.CANCELLED))).isEqualTo(ENDED);
    }

    @Test
    void theLastViewerLeft() {
        Instant left = ENDED.plusSeconds(40);
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 0, left, false, null)))
                .isEqualTo(left.plusSeconds(30));
        assertThat(policy.browserDue(session(SessionStatus.FAILED, 0, left, false, null)))
                .isEqualTo(left.plusSeconds(5));
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 0, ENDED.minusSeconds(40), false, null)))
                .as("before the end counts as never")
                .isEqualTo(ENDED.plusSeconds(30));
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 0, ENDED.plusSeconds(100), false, null)))
                .as("the cap holds")
                .isEqualTo(ENDED.plusSeconds(120));
    }

    @ParameterizedTest
    @EnumSource(names = {"COMPLETED", "FAILED", "EXPIRED"})
    void whileSomebodyWatchesItIsTheCap(SessionStatus status) {
        assertThat(policy.browserDue(session(status, 2, ENDED.plusSeconds(1), false, null)))
                .isEqualTo(ENDED.plusSeconds(120));
    }

    @Test
    void watchingDoesNotHoldWhatWasReleasedOrCancelled() {
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 2, ENDED, true, null)))
                .isEqualTo(ENDED);
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 2, ENDED, true, ENDED.plusSeconds(600))))
                .as("kept before")
                .isEqualTo(ENDED);
        assertThat(debugging.browserDue(session(SessionStatus.FAILED, 0, null, true, null)))
                .isEqualTo(ENDED);
        assertThat(policy.browserDue(session(SessionStatus.CANCELLED, 2, ENDED, false, null)))
                .isEqualTo(ENDED);
    }

    @Test
    void keptAsLongAsAskedWithinItsOwnCap() {
        Instant until = ENDED.plusSeconds(600);
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 0, null, false, until)))
                .isEqualTo(until);
        assertThat(policy.browserDue(session(SessionStatus.FAILED, 0, null, false, ENDED.plusSeconds(1))))
                .as("never shorter than without")
                .isEqualTo(ENDED.plusSeconds(5));
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 0, null, false, ENDED.plusSeconds(9999))))
                .isEqualTo(ENDED.plus(PERIODS.keptAtMost()));
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 1, ENDED, false, until)))
                .as("watched: as long as was asked for")
                .isEqualTo(until);
        assertThat(policy.browserDue(session(SessionStatus.COMPLETED, 1, ENDED, false, ENDED.plusSeconds(1))))
                .as("watched: never shorter than without")
                .isEqualTo(ENDED.plus(PERIODS.atMost()));
        assertThat(policy.keepableUntil(alone(SessionStatus.COMPLETED))).isEqualTo(ENDED.plus(PERIODS.keptAtMost()));
    }

    @Test
    void aFailedOneStaysForDebuggingAndNoOther() {
        assertThat(debugging.browserDue(alone(SessionStatus.FAILED))).isEqualTo(ENDED.plusSeconds(3600));
        assertThat(debugging.browserDue(session(SessionStatus.FAILED, 1, ENDED, false, null)))
                .isEqualTo(ENDED.plusSeconds(3600));
        assertThat(debugging.browserDue(session(SessionStatus.FAILED, 0, null, false, ENDED.plusSeconds(60))))
                .as("kept for less")
                .isEqualTo(ENDED.plusSeconds(3600));
        assertThat(debugging.keepableUntil(alone(SessionStatus.FAILED)))
                .as("longer than what may be kept otherwise")
                .isEqualTo(ENDED.plusSeconds(3600));
        assertThat(debugging.browserDue(alone(SessionStatus.COMPLETED))).isEqualTo(ENDED.plusSeconds(30));
        assertThat(debugging.browserDue(alone(SessionStatus.EXPIRED))).isEqualTo(ENDED.plusSeconds(5));
    }

    @Test
    void saysWhy() {
        Instant capped = ENDED.plusSeconds(120);
        assertThat(policy.reason(alone(SessionStatus.CANCELLED), capped)).contains("cancelled");
        assertThat(policy.reason(session(SessionStatus.COMPLETED, 1, ENDED, true, null), capped))
                .contains("its page");
        assertThat(policy.reason(session(SessionStatus.COMPLETED, 1, ENDED, false, null), capped))
                .contains("is over");
        assertThat(policy.reason(alone(SessionStatus.COMPLETED), capped.minusSeconds(1)))
                .contains("nobody watched");
        assertThat(policy.reason(session(SessionStatus.COMPLETED, 0, ENDED, false, ENDED.plusSeconds(600)), capped))
                .as("kept: the cap is another")
                .contains("nobody watched");
    }

    @Test
    void aSessionThatHasNotEndedHasNoSuchTime() {
        StoredSession running = stored(SessionStatus.AWAITING_USER, null, 0, null, false, null, null);
        assertThatThrownBy(() -> policy.browserDue(running))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(running.id().value());
        assertThat(policy.keepableUntil(running)).isEqualTo(Instant.MAX);
    }

    @Test
    void whoWaitsForAUserWaitsAsLongAsThereIsTimeOrSomebodyIsSeen() {
        Instant late = ENDED.plus(Duration.ofHours(3));
        Instant soon = ENDED.plusSeconds(900);
        assertThat(policy.expiryDue(waiting(0, null, soon))).contains(soon);
        assertThat(policy.expiryDue(waiting(0, null, late))).as("nobody").contains(ENDED.plus(PERIODS.idle()));
        assertThat(policy.expiryDue(waiting(0, ENDED.plusSeconds(60), late)))
                .as("seen last")
                .contains(ENDED.plusSeconds(60).plus(PERIODS.idle()));
        assertThat(policy.expiryDue(waiting(1, ENDED, late))).as("watched").contains(late);
        assertThat(policy.expiryDue(alone(SessionStatus.COMPLETED))).isEmpty();
    }

    private static StoredSession waiting(int viewers, @Nullable Instant viewed, Instant expires) {
        return stored(SessionStatus.AWAITING_USER, null, viewers, viewed, false, null, expires);
    }

    private static StoredSession alone(SessionStatus status) {
        return session(status, 0, null, false, null);
    }

    private static StoredSession session(
            SessionStatus status, int viewers, @Nullable Instant viewed, boolean released, @Nullable Instant kept) {
        return stored(status, ENDED, viewers, viewed, released, kept, null);
    }

    private static StoredSession stored(
            SessionStatus status,
            @Nullable Instant ended,
            int viewers,
            @Nullable Instant viewed,
            boolean released,
            @Nullable Instant kept,
            @Nullable Instant expires) {
        return new StoredSession(
                SessionId.random(),
                new UserId("ada"),
                new ProviderId("codex"),
                status,
                MachineId.random(),
                null,
                5,
                null,
                null,
                viewers,
                viewed,
                ENDED.minusSeconds(60),
                ENDED,
                ended,
                HostId.random(),
                expires,
                null,
                released,
                ENDED,
                kept);
    }
}
