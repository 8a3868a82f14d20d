package dev.sallyport.bench.sessions;

import dev.sallyport.bench.load.OpenLoop;
import java.util.Map;

/**
 * What was measured while so many sessions were live.
 *
 * @param sessions live sessions: each has its two machines up and awaits its user
 * @param up how they came up, on the way here from the level before
 * @param failures causes of sessions that failed since the warm-up, with how often
 * @param idle what a second cost while nobody asked
 * @param reads answers while they were held
 * @param busy what a second cost while they were read
 * @param memory when they were held
 */
record Level(
        int sessions,
        Started up,
        Map<String, Integer> failures,
        Spent idle,
        OpenLoop.Outcome reads,
        Spent busy,
        Memory memory) {

    /**
     * @param answers of {@code POST /api/auth/start}
     * @param transactions of the database for each of them, until all awaited their users
     * @param spent what a second cost meanwhile
     * @param settledSeconds from the last start until all awaited their users
     * @param again sessions that failed on the way here and were made up for
     */
    record Started(OpenLoop.Outcome answers, double transactions, Spent spent, double settledSeconds, int again) {}

    /**
     * Shares of one processor.
     *
     * @param controller the controller's process
     * @param database its database's processes
     * @param agents the simulated agents' process
     * @param agentRequests requests that the agents got a second
     * @param transactions that the database committed a second
     */
    record Spent(double controller, double database, double agents, double agentRequests, double transactions) {}

    /**
     * @param heap bytes of the controller's heap that are live after a collection
     * @param controller bytes resident, shared ones in part
     * @param database the same of the database's processes
     * @param threads of the kernel, of the controller
     * @param files that the controller has open
     * @param connections to the database
     */
    record Memory(long heap, long controller, long database, long threads, long files, long connections) {}

    /** Microseconds of a processor that one session more costs the controller and its database a second. */
    double cpuMicros(Level none) {
        double more = idle.controller() + idle.database() - none.idle.controller() - none.idle.database();
        return more * 1e6 / sessions;
    }

    /** Bytes of heap that one session more costs. */
    double heapBytes(Level none) {
        return (memory.heap() - none.memory.heap()) / (double) sessions;
    }

    /** Files that one session more has the controller keep open. */
    double files(Level none) {
        return (memory.files() - none.memory.files()) / (double) sessions;
    }
}
