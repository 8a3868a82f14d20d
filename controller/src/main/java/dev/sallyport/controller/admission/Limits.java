package dev.sallyport.controller.admission;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How much one user and one host may have.
 *
 * @param machinesPerUser browser machines that one user may have at a time
 * @param machinesPerHost machines of all kinds and users that may run at a time
 * @param memoryReserve bytes of memory that are left to the host
 * @param queueLength starts that may wait; 0 to refuse at once when there is no room
 * @param queuePerUser starts of one user that may wait; 0 to let none
 * @param longestWait how long a start may wait
 * @param startsPerUser how often one user may ask for a start
 * @param startsPerAddress how often it may be asked from one address
 */
public record Limits(
        int machinesPerUser,
        int machinesPerHost,
        long memoryReserve,
        int queueLength,
        int queuePerUser,
        Duration longestWait,
        Rate startsPerUser,
        Rate startsPerAddress) {
    /** 10 a minute. */
    public static final Rate STARTS_PER_USER = Rate.perMinute(10);

    /** 60 a minute: several users may share an address. */
    public static final Rate STARTS_PER_ADDRESS = Rate.perMinute(60);

    private static final long LEAST_RESERVE = 512L << 20;

    /** @throws FailureException BAD_REQUEST, naming everything that is wrong */
    public Limits {
        List<String> mistakes = new ArrayList<>();
        atLeast(1, machinesPerUser, "machinesPerUser", mistakes);
        atLeast(1, machinesPerHost, "machinesPerHost", mistakes);
        atLeast(0, memoryReserve, "memoryReserve", mistakes);
        atLeast(0, queueLength, "queueLength", mistakes);
        atLeast(0, queuePerUser, "queuePerUser", mistakes);
        if (!longestWait.isPositive() || longestWait.compareTo(Duration.ofDays(1)) > 0) {
            mistakes.add("'longestWait' takes at most a day, not " + longestWait + ".");
        }
        startsPerUser.check("startsPerUser", mistakes);
        startsPerAddress.check("startsPerAddress", mistakes);
        if (!mistakes.isEmpty()) {
            throw FailureException.of(CauseCode.BAD_REQUEST, String.join(" ", mistakes));
        }
    }

    /**
     * The limits in force when nothing is chosen. A tenth of the host's memory, and at least 512 MiB, is left to the host.
     *
     * @param hostMemory bytes of memory that the host has in all
     */
    public static Limits defaults(long hostMemory) {
        return new Limits(
                4,
                64,
                Math.max(hostMemory / 10, LEAST_RESERVE),
                100,
                4,
                Duration.ofMinutes(10),
                STARTS_PER_USER,
                STARTS_PER_ADDRESS);
    }

    /** The same with other numbers of machines. */
    public Limits withMachines(int perUser, int perHost) {
        return new Limits(
                perUser,
                perHost,
                memoryReserve,
                queueLength,
                queuePerUser,
                longestWait,
                startsPerUser,
                startsPerAddress);
    }

    /** The same, leaving so many bytes to the host. */
    public Limits reserving(long bytes) {
        return new Limits(
                machinesPerUser,
                machinesPerHost,
                bytes,
                queueLength,
                queuePerUser,
                longestWait,
                startsPerUser,
                startsPerAddress);
    }

    /** The same with another queue. */
    public Limits withQueue(int length, int perUser, Duration longest) {
        return new Limits(
                machinesPerUser,
                machinesPerHost,
                memoryReserve,
                length,
                perUser,
                longest,
                startsPerUser,
                startsPerAddress);
    }

    /** The same with other rates. */
    public Limits withRates(Rate perUser, Rate perAddress) {
        return new Limits(
                machinesPerUser,
                machinesPerHost,
                memoryReserve,
                queueLength,
                queuePerUser,
                longestWait,
                perUser,
                perAddress);
    }

    private static void atLeast(long least, long given, String name, List<String> mistakes) {
        if (given < least) {
            mistakes.add("'" + name + "' must be at least " + least + ", and is " + given + ".");
        }
    }
}
