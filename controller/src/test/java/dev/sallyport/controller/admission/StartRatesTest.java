package dev.sallyport.controller.admission;

import static dev.sallyport.controller.admission.FakeHost.ADA;
import static dev.sallyport.controller.admission.FakeHost.BOB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import java.net.InetAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class StartRatesTest {
    private static final InetAddress HOME = InetAddress.ofLiteral("192.0.2.7");
    private static final InetAddress AWAY = InetAddress.ofLiteral("192.0.2.8");

    private final FakeHost clock = new FakeHost();
    private final StartRates rates =
            new StartRates(new Rate(6, Duration.ofMinutes(1), 2), new Rate(60, Duration.ofMinutes(1), 3), clock, 4);

    @Test
    void aUserIsToldExactlyWhenTheNextMayCome() {
        rates.check(ADA);
        rates.check(ADA);
        clock.pass(Duration.ofMillis(2_500));

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> rates.check(ADA))
                .satisfies(e -> assertThat(e.reason().code()).isEqualTo(CauseCode.TOO_MANY_STARTS))
                .satisfies(e -> assertThat(e.reason().detail())
                        .isEqualTo("User ada may ask for 6 in 1 min. The next may come in 8 s."))
                .satisfies(e -> assertThat(e.retryAfter()).contains(Duration.ofMillis(7_500)));
        assertThat(rates.refused()).isOne();
        clock.pass(Duration.ofMillis(7_500));
        rates.check(ADA);
        assertThatExceptionOfType(FailureException.class).isThrownBy(() -> rates.check(ADA));
    }

    @Test
    void usersDoNotShare() {
        rates.check(ADA);
        rates.check(ADA);
        rates.check(BOB);
    }

    @Test
    void usersOfOneAddressDo() {
        rates.check(new UserId("u1"), HOME);
        rates.check(new UserId("u2"), HOME);
        rates.check(new UserId("u3"), HOME);

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> rates.check(ADA, HOME))
                .satisfies(e -> assertThat(e.reason().detail())
                        .isEqualTo("This address may ask for 60 in 1 min. The next may come in 1 s."))
                .satisfies(e -> assertThat(e.retryAfter()).contains(Duration.ofSeconds(1)));
        // It did not count for the user.
        rates.check(ADA, AWAY);
        rates.check(ADA, AWAY);
        assertThatExceptionOfType(FailureException.class).isThrownBy(() -> rates.check(ADA, AWAY));
    }

    @Test
    void aNetworkOfIpv6IsOneAddress() {
        rates.check(new UserId("u1"), InetAddress.ofLiteral("2001:db8:1:2::1"));
        rates.check(new UserId("u2"), InetAddress.ofLiteral("2001:db8:1:2::2"));
        rates.check(new UserId("u3"), InetAddress.ofLiteral("2001:db8:1:2:ffff::3"));

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> rates.check(new UserId("u4"), InetAddress.ofLiteral("2001:db8:1:2::4")));
        rates.check(new UserId("u4"), InetAddress.ofLiteral("2001:db8:1:3::4"));
    }

    @Test
    void anIpv4AddressInIpv6sFormIsThatAddress() {
        for (String user : new String[] {"u1", "u2", "u3"}) {
            rates.check(new UserId(user), InetAddress.ofLiteral("::ffff:192.0.2.7"));
        }
        assertThatExceptionOfType(FailureException.class).isThrownBy(() -> rates.check(ADA, HOME));
    }

    @Test
    void theFullBucketsMakeRoomForOthers() {
        var buckets = buckets();
        for (int i = 0; i < 100; i++) {
            assertThat(buckets.take("k" + i).isConsumed()).isTrue();
            assertThat(buckets.size()).isLessThanOrEqualTo(4);
            clock.pass(Duration.ofSeconds(10));
        }
    }

    @Test
    void aFloodOfNewOnesNeitherForgetsALimitNorGetsABucketEach() {
        var buckets = buckets();
        for (int i = 0; i < 4; i++) {
            buckets.take("k" + i);
            buckets.take("k" + i);
        }
        assertThat(buckets.take("new1").isConsumed()).isTrue();
        assertThat(buckets.take("new2").isConsumed()).isTrue();
        assertThat(buckets.take("new3").isConsumed()).as("they share one").isFalse();
        assertThat(buckets.take("k0").isConsumed())
                .as("its limit is not forgotten")
                .isFalse();
        assertThat(buckets.size()).isEqualTo(4);
        buckets.giveBack("new1");
        assertThat(buckets.take("new4").isConsumed()).isTrue();
    }

    private Buckets<String> buckets() {
        return new Buckets<>(new Rate(6, Duration.ofMinutes(1), 2), new StartRates.Nanos(clock), 4);
    }
}
