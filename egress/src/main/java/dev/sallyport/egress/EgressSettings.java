package dev.sallyport.egress;

import java.time.Duration;
import java.util.Optional;

/**
 * How the gateway behaves.
 *
 * @param upstream the proxy that it goes through, if any; names are then resolved there, not here
 * @param connectionsPerMachine most connections that one machine may hold at once; further ones are answered 503
 * @param head longest time from a connection's start to the whole of its request
 * @param idle a connection over which nothing travels for this long is closed; whole seconds
 * @param resolve longest time for resolving a name
 * @param connect longest time for connecting to a host or to the upstream proxy
 * @param sharesPorts whether doors with the same port share a listener on all of the host's addresses; then no other gateway on this
 *     host can have doors with that port
 */
public record EgressSettings(
        Optional<Upstream> upstream,
        int connectionsPerMachine,
        Duration head,
        Duration idle,
        Duration resolve,
        Duration connect,
        boolean sharesPorts) {
    /** Each door listens for itself. */
    public EgressSettings(
            Optional<Upstream> upstream,
            int connectionsPerMachine,
            Duration head,
            Duration idle,
            Duration resolve,
            Duration connect) {
        this(upstream, connectionsPerMachine, head, idle, resolve, connect, false);
    }

    /** Directly to the world; 128 connections; 60 s, 10 min, 10 s, 15 s. */
    public static final EgressSettings DEFAULT = new EgressSettings(
            Optional.empty(),
            128,
            Duration.ofSeconds(60),
            Duration.ofMinutes(10),
            Duration.ofSeconds(10),
            Duration.ofSeconds(15));

    /** The same through {@code proxy}. */
    public EgressSettings through(Upstream proxy) {
        return new EgressSettings(Optional.of(proxy), connectionsPerMachine, head, idle, resolve, connect, sharesPorts);
    }

    /** The same with a listener for all doors of a port, or without. */
    public EgressSettings sharingPorts(boolean shares) {
        return new EgressSettings(upstream, connectionsPerMachine, head, idle, resolve, connect, shares);
    }
}
