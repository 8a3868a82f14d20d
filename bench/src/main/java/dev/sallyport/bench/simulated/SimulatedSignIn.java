package dev.sallyport.bench.simulated;

import dev.sallyport.agentapi.SignIn;
import dev.sallyport.agentapi.SignInState;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A sign-in that awaits its user from the first moment, until it is told to succeed. */
final class SimulatedSignIn {
    private static final long OPEN = 1;
    private static final String URL = "https://id.sallyport.test/oauth/authorize?client_id=demo&state=simulated";

    private final String session;
    private final CountDownLatch succeeded = new CountDownLatch(1);

    SimulatedSignIn(String session) {
        this.session = session;
    }

    void succeed() {
        succeeded.countDown();
    }

    boolean awaitsUser() {
        return succeeded.getCount() > 0;
    }

    SignIn now() {
        boolean done = !awaitsUser();
        return new SignIn(
                session,
                done ? OPEN + 1 : OPEN,
                done ? SignInState.SUCCEEDED : SignInState.AWAITING_USER,
                URL,
                "BROWSER_VARIABLE",
                done ? 0 : null,
                null,
                null);
    }

    /** As it is when it differs from version {@code after}, or when {@code atMost} has passed. */
    SignIn await(long after, Duration atMost) throws InterruptedException {
        if (after >= OPEN) {
            boolean _ = succeeded.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
        }
        return now();
    }
}
