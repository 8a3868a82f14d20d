package dev.sallyport.controller.http;

import dev.sallyport.controller.admission.StartRates;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import jakarta.servlet.http.HttpServletRequest;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** Counts requests for starts by who makes them and where they come from. */
final class StartGate {
    private static final String FORWARDED = "X-Forwarded-For";

    private final StartRates rates;

    StartGate(StartRates rates) {
        this.rates = rates;
    }

    /**
     * Counts a start for {@code user}. The admin's requests come from a program that acts for many users, so their address says
     * nothing.
     *
     * @throws FailureException TOO_MANY_STARTS, with when to try again
     */
    void pass(Caller caller, UserId user, HttpServletRequest request) {
        Optional<InetAddress> address = caller.isAdmin() ? Optional.empty() : addressOf(request);
        if (address.isPresent()) {
            rates.check(user, address.get());
        } else {
            rates.check(user);
        }
    }

    /**
     * Where {@code request} comes from: its peer, or, when that is a proxy on this host and only then, the address that the proxy
     * has added to X-Forwarded-For. That is the last one; those before it are the client's own words.
     */
    private static Optional<InetAddress> addressOf(HttpServletRequest request) {
        Optional<InetAddress> peer = literal(request.getRemoteAddr());
        if (peer.isEmpty() || !peer.get().isLoopbackAddress()) {
            return peer;
        }
        List<String> lines = new ArrayList<>(Collections.list(request.getHeaders(FORWARDED)));
        if (lines.isEmpty()) {
            return peer;
        }
        String last = lines.getLast();
        return literal(last.substring(last.lastIndexOf(',') + 1).strip()).or(() -> peer);
    }

    /** The address that {@code text} is; names are not asked for. */
    private static Optional<InetAddress> literal(String text) {
        try {
            return Optional.of(InetAddress.ofLiteral(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
