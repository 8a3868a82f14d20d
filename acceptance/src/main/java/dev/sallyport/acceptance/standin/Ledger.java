package dev.sallyport.acceptance.standin;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the stand-ins did and are to do: secrets issued, requests counted, faults switched on. Safe for several threads. */
final class Ledger {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int MAX_REQUEST_NAMES = 1000;

    private final List<String> secrets = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, Integer> requests = Collections.synchronizedMap(new LinkedHashMap<>());
    private final Set<Fault> faults = Collections.synchronizedSet(EnumSet.noneOf(Fault.class));

    /** A fresh random secret of {@code prefix} and 43 characters, kept. */
    String secret(String prefix) {
        byte[] raw = new byte[32];
        RANDOM.nextBytes(raw);
        return keep(prefix + Base64.getUrlEncoder().withoutPadding().encodeToString(raw));
    }

    /** Keeps a secret made elsewhere. */
    String keep(String secret) {
        secrets.add(secret);
        return secret;
    }

    List<String> secrets() {
        return List.copyOf(secrets);
    }

    void count(String request) {
        if (requests.size() < MAX_REQUEST_NAMES || requests.containsKey(request)) {
            requests.merge(request, 1, Integer::sum);
        }
    }

    Map<String, Integer> requests() {
        synchronized (requests) {
            return new LinkedHashMap<>(requests);
        }
    }

    void set(Fault fault, boolean on) {
        if (on) {
            faults.add(fault);
        } else {
            faults.remove(fault);
        }
    }

    boolean has(Fault fault) {
        return faults.contains(fault);
    }
}
