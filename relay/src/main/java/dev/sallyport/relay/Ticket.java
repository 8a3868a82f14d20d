package dev.sallyport.relay;

import dev.sallyport.model.Secret;
import java.time.Instant;

/**
 * What opens a screen once.
 *
 * @param token shown to its holder alone, and never again
 * @param expires from when on it is refused
 */
public record Ticket(Secret token, Instant expires) {}
