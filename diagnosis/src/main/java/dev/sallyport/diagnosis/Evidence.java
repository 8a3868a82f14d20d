package dev.sallyport.diagnosis;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** Something that was seen of a machine that is coming up, and when. Texts come out of machines: they are one printable line each. */
public sealed interface Evidence {
    /** When it was seen, by the host's clock. */
    Instant at();

    /** One line for people: what a cause shows as its proof. */
    String text();

    /** A line of the console, without escape sequences. */
    record Line(Instant at, String text) implements Evidence {}

    /** Four different silences, a stranger, and the agent. */
    enum Reply {
        /** No way to the machine: EHOSTUNREACH, ENETUNREACH, or no answer to the first packet. */
        UNREACHABLE,
        /** ECONNREFUSED: the machine is there and nothing listens. */
        REFUSED,
        /** Accepted and broken without a word, as what forwards into a machine does when nothing listens in it. */
        CLOSED,
        /** Accepted, and nothing was said in time. */
        SILENT,
        /** Something that is not this machine's agent answered. */
        WRONG,
        HEALTHY
    }

    /** What came of asking the agent's port. */
    record Answer(Instant at, Reply reply, String text) implements Evidence {}

    /** The agent itself says that a part of its machine failed. */
    record FailedPart(Instant at, String part, String text) implements Evidence {}

    /** What ended a machine. */
    enum End {
        DESTROYED,
        GUEST_SHUTDOWN,
        GUEST_PANIC,
        /** The hypervisor ended with an error of its own. */
        FAILED,
        /** The hypervisor was ended by a signal. */
        KILLED
    }

    /** The hypervisor's process has ended, and so has its machine. Console lines before it have been added before it. */
    record Exit(Instant at, End end, int code, List<String> lines) implements Evidence {
        @Override
        public String text() {
            return lines.isEmpty() ? "the hypervisor ended with " + code : lines.getLast();
        }
    }

    /** The hypervisor runs and its guest does not: somebody paused it, or stopped its process. */
    record Halted(Instant at, String text) implements Evidence {}

    /**
     * For so long the guest has used next to no processor time, said nothing, and its agent has not answered: nothing is being
     * worked on in it.
     */
    record Idle(Instant at, Duration lasting, String text) implements Evidence {}

    /** The wait is over without an answer. */
    record Deadline(Instant at, Duration waited) implements Evidence {
        @Override
        public String text() {
            return "waited " + waited.toSeconds() + " s";
        }
    }
}
