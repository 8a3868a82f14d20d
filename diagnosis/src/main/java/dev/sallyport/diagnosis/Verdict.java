package dev.sallyport.diagnosis;

import dev.sallyport.model.Cause;
import java.time.Instant;

/**
 * What evidence says.
 *
 * @param cause the named cause with the lines that prove it
 * @param certainty how much they prove
 * @param sign when the first of those lines was seen
 */
public record Verdict(Cause cause, Certainty certainty, Instant sign) {}
