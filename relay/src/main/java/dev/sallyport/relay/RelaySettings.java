package dev.sallyport.relay;

import java.time.Duration;

/**
 * How relays behave.
 *
 * @param pieceBytes most bytes that are read from a machine at once, and so most that a relay holds for its viewer
 * @param maxFrameBytes longest WebSocket message taken from a viewer; a larger one closes the relay (1009)
 * @param pingEvery how often an open relay is pinged; one that stays without any sign of life for three times as long is closed
 * @param stalledAfter how long a viewer may take over one piece, or a machine over one frame, before the relay is closed
 * @param closeWithin how long a closing handshake may take before the connection is cut
 */
public record RelaySettings(
        int pieceBytes, int maxFrameBytes, Duration pingEvery, Duration stalledAfter, Duration closeWithin) {
    /** 1 MiB pieces, 64 KiB messages, a ping every 20 s, 60 s for a piece, 5 s for closing. */
    public static final RelaySettings DEFAULT = new RelaySettings(
            1024 * 1024, 64 * 1024, Duration.ofSeconds(20), Duration.ofSeconds(60), Duration.ofSeconds(5));

    /** How often a relay is looked at. */
    Duration watchEvery() {
        return pingEvery.compareTo(stalledAfter) < 0 ? pingEvery : stalledAfter;
    }

    /** How long a viewer may go without a sign of life: two pings may be lost. */
    Duration silentAfter() {
        return pingEvery.multipliedBy(3);
    }
}
