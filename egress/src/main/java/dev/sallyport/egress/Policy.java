package dev.sallyport.egress;

import dev.sallyport.egress.EgressEvent.Kind;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Decides for one door what may go, and finds the address. */
final class Policy {
    /** How many names one machine may have resolved at once: the resolver's threads are everybody's. */
    private static final int LOOKUPS = 3;

    private volatile AllowList hosts;
    private final Names names;
    private final Predicate<InetAddress> reachable;
    private final @Nullable Upstream upstream;
    private final Teller teller;
    private final Semaphore lookups = new Semaphore(LOOKUPS, true);

    /** @param reachable which addresses a name may resolve to */
    Policy(AllowList hosts, Names names, Predicate<InetAddress> reachable, @Nullable Upstream upstream, Teller teller) {
        this.hosts = hosts;
        this.names = names;
        this.reachable = reachable;
        this.upstream = upstream;
        this.teller = teller;
    }

    /** What may be reached from now on; connections that are open stay. */
    void allow(AllowList other) {
        hosts = other;
    }

    /**
     * Decides. Blocks while names are resolved.
     *
     * @throws InterruptedException when this thread was interrupted
     */
    Decision decide(Target target) throws InterruptedException {
        if (target.isLiteral()) {
            return refused(
                    target, "Address not allowed", "IP addresses are not reachable from this machine, only names.");
        }
        if (!hosts.permits(target)) {
            return refused(
                    target,
                    "Host not allowed",
                    Texts.printable(target.toString()) + " is not among the hosts that this machine may reach.");
        }
        lookups.acquire();
        try {
            return find(target);
        } finally {
            lookups.release();
        }
    }

    private Decision find(Target target) throws InterruptedException {
        // The proxy on the way resolves the target's name itself, in the network that it stands in.
        String name = upstream == null ? target.host() : upstream.host();
        int port = upstream == null ? target.port() : upstream.port();
        List<InetSocketAddress> addresses;
        try {
            addresses = names.resolve(name, port);
        } catch (UnknownHostException e) {
            return unreachable(target, "The name " + name + " has no address.");
        } catch (TimeoutException e) {
            return unreachable(target, "The name " + name + " could not be resolved in time.");
        }
        if (upstream != null) {
            return new Decision.Go(target, addresses.getFirst(), new Attempt());
        }
        for (InetSocketAddress address : addresses) {
            // The address that was checked is the one that is connected to: nothing resolves the name again.
            if (reachable.test(address.getAddress())) {
                return new Decision.Go(target, address, new Attempt());
            }
        }
        return refused(
                target,
                "Address not allowed",
                target.host() + " resolves to an address that is not one of the public internet.");
    }

    private Decision.Stop refused(Target target, String phrase, String text) {
        teller.tell(Kind.REFUSED, target.host(), text);
        return new Decision.Stop(403, phrase, text);
    }

    /** What becomes of a request whose target could not be reached. */
    Decision.Stop unreachable(Target target, String text) {
        teller.tell(Kind.UPSTREAM_UNREACHABLE, target.host(), text);
        return new Decision.Stop(502, "Host not reachable", text);
    }

    /** What becomes of a request that the upstream proxy lets nobody make without a password. */
    Decision.Stop passwordWanted(Target target, String text) {
        teller.tell(Kind.UPSTREAM_PASSWORD, target.host(), text);
        return new Decision.Stop(502, "Proxy wants a password", text);
    }

    /** Whether {@link #reached} would tell anything: asked for each piece of a transfer. */
    boolean hasTold() {
        return teller.toldAnything();
    }

    /** Takes down that a host was reached, by its name with or without a port. */
    void reached(String hostAndPort) {
        if (teller.toldAnything()) {
            int colon = hostAndPort.lastIndexOf(':');
            teller.reached(colon < 0 ? hostAndPort : hostAndPort.substring(0, colon));
        }
    }
}
