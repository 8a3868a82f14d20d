package dev.sallyport.agentapi;

/**
 * How a machine fares.
 *
 * @param uptimeMs since its kernel started
 * @param memoryTotalKib all its memory
 * @param memoryAvailableKib what it could still use
 * @param load1 the one-minute load average
 * @param diskFreeKib room on its writable disk
 */
public record Vitals(long uptimeMs, long memoryTotalKib, long memoryAvailableKib, double load1, long diskFreeKib) {}
