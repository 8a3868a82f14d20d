package dev.sallyport.controller.admission;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleFunction;
import java.util.function.LongSupplier;

/** Why the gate lets somebody not in, in words, and how often that was. Other than the count it is used under the gate's lock. */
final class Refusals {
    private final Limits limits;
    private final Used used;
    private final LongSupplier forMachines;
    private final DoubleFunction<Duration> whenFree;
    private final Map<CauseCode, LongAdder> counts = new ConcurrentHashMap<>();

    /**
     * @param used what is admitted
     * @param forMachines bytes of memory that further machines can have
     * @param whenFree when a place should come free for one who holds such a share of all
     */
    Refusals(Limits limits, Used used, LongSupplier forMachines, DoubleFunction<Duration> whenFree) {
        this.limits = limits;
        this.used = used;
        this.forMachines = forMachines;
        this.whenFree = whenFree;
    }

    /** How many were made for {@code reason}. By any thread. */
    long count(CauseCode reason) {
        LongAdder count = counts.get(reason);
        return count == null ? 0 : count.sum();
    }

    /** Refuses what no wait would make room for. By any thread. */
    void ofImpossible(UserId user, Need need, long hostMemory) {
        long most = hostMemory - limits.memoryReserve();
        if (need.machines() > limits.machinesPerHost()) {
            throw counted(FailureException.of(
                    CauseCode.HOST_FULL,
                    "The start is of " + need.machines() + " machines, and this host may run "
                            + limits.machinesPerHost() + "."));
        }
        if (need.memory() > most) {
            throw counted(FailureException.of(
                    CauseCode.HOST_FULL,
                    "The start needs " + Words.ofBytes(need.memory()) + " of memory, and this host has "
                            + Words.ofBytes(Math.max(0, most)) + " for machines in all."));
        }
        if (need.ofUsersShare() > limits.machinesPerUser()) {
            throw counted(FailureException.of(
                    CauseCode.USER_LIMIT,
                    "The start is of " + need.ofUsersShare() + " machines, and user " + user + " may have "
                            + limits.machinesPerUser() + "."));
        }
    }

    /** One that the user's own limits are the reason of. */
    FailureException userLimit(UserId user, String more) {
        int has = used.of(user);
        double share = has == 0 ? 1 : (double) has / used.machines();
        return later(
                CauseCode.USER_LIMIT,
                whenFree.apply(share),
                "User " + user + " has " + has + " machines of at most " + limits.machinesPerUser() + ". " + more);
    }

    /** One that the host is the reason of. */
    FailureException hostFull(Need need, String more) {
        String shortage = used.machines() + need.machines() > limits.machinesPerHost()
                ? "It runs " + used.machines() + " machines of at most " + limits.machinesPerHost() + "."
                : "The start needs " + Words.ofBytes(need.memory()) + " of memory, and "
                        + Words.ofBytes(Math.max(0, forMachines.getAsLong())) + " is left for machines.";
        return later(CauseCode.HOST_FULL, whenFree.apply(1), shortage + " " + more);
    }

    private FailureException later(CauseCode code, Duration wait, String detail) {
        return counted(FailureException.tryLater(code, wait, detail + " Try again in about " + Words.of(wait) + "."));
    }

    private FailureException counted(FailureException refusal) {
        counts.computeIfAbsent(refusal.reason().code(), _ -> new LongAdder()).increment();
        return refusal;
    }
}
