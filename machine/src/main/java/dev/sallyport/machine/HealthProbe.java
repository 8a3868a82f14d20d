package dev.sallyport.machine;

import dev.sallyport.agentapi.Health;
import java.net.InetSocketAddress;
import java.time.Duration;

/** Asks an agent once how it is. */
@FunctionalInterface
public interface HealthProbe {
    /** What came of asking. */
    sealed interface Answer {
        /** One sentence, for people. */
        String text();

        /** The agent's own answer. */
        record Healthy(Health health) implements Answer {
            @Override
            public String text() {
                return "the agent answered '" + ConsoleLines.clean(health.status()) + "'";
            }
        }

        /** No way to the machine: EHOSTUNREACH, ENETUNREACH or no answer to the first packet. */
        record Unreachable(String text) implements Answer {}

        /** The machine is there and nothing listens on the port. */
        record Refused(String text) implements Answer {}

        /**
         * The connection was accepted and broken without a word. What forwards connections into a machine does so when nothing
         * listens in it.
         */
        record Closed(String text) implements Answer {}

        /** The connection was accepted, by the machine or by what forwards into it, and nothing was said in time. */
        record Silent(String text) implements Answer {}

        /** Something else answered. */
        record Wrong(String text) implements Answer {}
    }

    /**
     * Asks {@code GET /health} once.
     *
     * @param agent where the agent's HTTP port is reached
     * @param atMost the deadline for all of it
     * @return what came of it; failures are answers too
     * @throws InterruptedException when the calling thread is interrupted
     */
    Answer ask(InetSocketAddress agent, Duration atMost) throws InterruptedException;
}
