package dev.sallyport.machine;

import java.time.Duration;

/**
 * Whether a machine's processors are at work, as its host sees it.
 *
 * @param halted why they stand still (somebody paused them, or stopped the hypervisor's process); empty while they run
 * @param worked processor time that the machine has used since its start
 * @param waited how long it has wanted a processor of its host since its start and not got one; a machine that waits is not idle
 */
public record Pulse(String halted, Duration worked, Duration waited) {}
