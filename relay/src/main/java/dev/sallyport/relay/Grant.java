package dev.sallyport.relay;

import dev.sallyport.model.SessionId;
import java.time.Instant;

/**
 * What a redeemed ticket allows: to open the screen of {@code session}, once, now.
 *
 * @param session whose screen
 * @param holder to whom the ticket was issued
 * @param issued when
 */
public record Grant(SessionId session, String holder, Instant issued) {}
