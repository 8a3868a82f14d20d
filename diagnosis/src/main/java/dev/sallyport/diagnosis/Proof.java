package dev.sallyport.diagnosis;

import java.time.Instant;

/**
 * A line that a verdict rests on.
 *
 * @param at when it was seen
 * @param line the line as it was seen
 */
record Proof(Instant at, String line) {}
