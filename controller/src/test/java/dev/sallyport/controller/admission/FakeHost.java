package dev.sallyport.controller.admission;

import dev.sallyport.model.UserId;
import java.time.Duration;
import java.util.function.LongSupplier;

/** A host whose memory and time a test decides. */
final class FakeHost implements Memory, LongSupplier {
    static final long MIB = 1 << 20;
    static final Need BROWSER = Need.browser(1024 * MIB);
    static final Need CLI = Need.cli(512 * MIB);
    static final UserId ADA = new UserId("ada");
    static final UserId BOB = new UserId("bob");
    static final UserId EVE = new UserId("eve");

    volatile long total = 1024 * 1024 * MIB;
    volatile long available = total;
    private volatile long nanos;

    /** No memory kept back, so that the figures of tests are their own. */
    static Limits limits() {
        return Limits.defaults(0).reserving(0);
    }

    synchronized void pass(Duration time) {
        nanos += time.toNanos();
    }

    @Override
    public long available() {
        return available;
    }

    @Override
    public long total() {
        return total;
    }

    /** The time. */
    @Override
    public long getAsLong() {
        return nanos;
    }
}
