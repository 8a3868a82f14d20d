package dev.sallyport.controller.admission;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * How often starts may be asked for, by one user and from one address. Of an IPv6 address the first 64 bits count: whoever has one
 * has all of those behind it.
 */
public final class StartRates {
    private static final int KEPT = 10_000;
    private static final int NETWORK_BYTES = 8;

    private final Rate perUser;
    private final Rate perAddress;
    private final Buckets<UserId> users;
    private final Buckets<String> addresses;
    private final LongAdder refused = new LongAdder();

    public StartRates(Rate perUser, Rate perAddress) {
        this(perUser, perAddress, System::nanoTime, KEPT);
    }

    /** @param kept how many users, and how many addresses, are remembered at the most */
    StartRates(Rate perUser, Rate perAddress, LongSupplier nanos, int kept) {
        this.perUser = perUser;
        this.perAddress = perAddress;
        var clock = new Nanos(nanos);
        this.users = new Buckets<>(perUser, clock, kept);
        this.addresses = new Buckets<>(perAddress, clock, kept);
    }

    /**
     * Counts a start for {@code user} that comes from no address of theirs: an operator's program asks for it.
     *
     * @throws FailureException TOO_MANY_STARTS, with when to try again; it does not count then
     */
    public void check(UserId user) {
        ConsumptionProbe probe = users.take(user);
        if (!probe.isConsumed()) {
            throw tooMany("User " + user, perUser, probe);
        }
    }

    /**
     * Counts a start for {@code user} that is asked for from {@code address}.
     *
     * @throws FailureException TOO_MANY_STARTS, with when to try again; it counts for neither then
     */
    public void check(UserId user, InetAddress address) {
        check(user);
        ConsumptionProbe probe = addresses.take(network(address));
        if (!probe.isConsumed()) {
            users.giveBack(user);
            throw tooMany("This address", perAddress, probe);
        }
    }

    /** Starts that were refused. */
    public long refused() {
        return refused.sum();
    }

    private FailureException tooMany(String who, Rate rate, ConsumptionProbe probe) {
        refused.increment();
        Duration wait = Duration.ofNanos(probe.getNanosToWaitForRefill());
        return FailureException.tryLater(
                CauseCode.TOO_MANY_STARTS,
                wait,
                who + " may ask for " + rate + ". The next may come in " + Words.of(wait) + ".");
    }

    private static String network(InetAddress address) {
        byte[] bytes = address.getAddress();
        return HexFormat.of().formatHex(address instanceof Inet6Address ? Arrays.copyOf(bytes, NETWORK_BYTES) : bytes);
    }

    record Nanos(LongSupplier clock) implements TimeMeter {
        @Override
        public long currentTimeNanos() {
            return clock.getAsLong();
        }

        @Override
        public boolean isWallClockBased() {
            return false;
        }
    }
}
