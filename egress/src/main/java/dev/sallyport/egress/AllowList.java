package dev.sallyport.egress;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The hosts that a machine may reach: exact names, or {@code *.} and a domain for every name below that domain (not the domain
 * itself), both by tunnel to port 443. An entry that begins with {@code http://} allows plain HTTP on port 80 instead.
 */
public final class AllowList {
    private static final String PLAIN = "http://";
    private static final Pattern NAME =
            Pattern.compile("(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])");

    private final Set<String> tunnels;
    private final Set<String> plain;

    private AllowList(Set<String> tunnels, Set<String> plain) {
        this.tunnels = Set.copyOf(tunnels);
        this.plain = Set.copyOf(plain);
    }

    /**
     * A list of {@code entries}.
     *
     * @throws IllegalArgumentException when one of them is not of a form named above, an IP address for example
     */
    public static AllowList of(Collection<String> entries) {
        Set<String> tunnels = new HashSet<>();
        Set<String> plain = new HashSet<>();
        for (String entry : entries) {
            boolean isPlain = entry.startsWith(PLAIN);
            String host = isPlain ? entry.substring(PLAIN.length()) : entry;
            if (!NAME.matcher(host.startsWith("*.") ? host.substring(2) : host).matches()) {
                throw new IllegalArgumentException(
                        "not a lower-case host name, nor *. and a domain: " + Texts.printable(entry));
            }
            (isPlain ? plain : tunnels).add(host);
        }
        return new AllowList(tunnels, plain);
    }

    /** True when {@code target}, whose name is in lower case, may be reached. */
    boolean permits(Target target) {
        return target.tunnel()
                ? target.port() == 443 && holds(tunnels, target.host())
                : target.port() == 80 && holds(plain, target.host());
    }

    private static boolean holds(Set<String> set, String host) {
        if (set.contains(host)) {
            return true;
        }
        for (int dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
            if (set.contains("*" + host.substring(dot))) {
                return true;
            }
        }
        return false;
    }
}
