package dev.sallyport.controller.session;

import dev.sallyport.controller.pool.EgressTroubles;
import dev.sallyport.controller.pool.EgressTroubles.Trouble;
import dev.sallyport.egress.EgressEvent.Kind;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.provider.Provider;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Joins what a tool says of its failure with what its machine's way out has seen, and names what failed a hand-over. */
final class SignInCauses {
    /** A failure of the way out that lasts for this long, and has not been followed by a success, does not pass by itself. */
    static final Duration LASTING = Duration.ofSeconds(1);

    /** Once the page is open, a break in the network may pass: the user tries again. */
    static final Duration LASTING_LATER = Duration.ofSeconds(20);

    /** How long after the page's opening it counts as being opened still: three tries of Chromium's, and a slow machine. */
    static final Duration OPENING = Duration.ofSeconds(30);

    /** What the tool's words leave open. */
    private static final Set<CauseCode> VAGUE = Set.of(
            CauseCode.TOOL_FAILED,
            CauseCode.URL_NOT_SHOWN,
            CauseCode.TOKEN_REFUSED,
            CauseCode.UPSTREAM_UNREACHABLE,
            CauseCode.EGRESS_REFUSED);

    /** What an agent's answer to a hand-over may say that is more specific than that it failed. */
    private static final Set<CauseCode> MORE_THAN_HANDOVER = Set.of(
            CauseCode.WRITABLE_DISK_FULL,
            CauseCode.MACHINE_ENDED,
            CauseCode.KERNEL_PANIC,
            CauseCode.OUT_OF_MEMORY,
            CauseCode.HANDOVER_FAILED);

    private final Provider provider;

    SignInCauses(Provider provider) {
        this.provider = provider;
    }

    /** {@code told} by the agent, or the more specific cause that the way out has seen, with both as evidence. */
    Cause join(Cause told, EgressTroubles troubles) {
        if (!VAGUE.contains(told.code())) {
            return told;
        }
        boolean network = told.code() == CauseCode.UPSTREAM_UNREACHABLE || told.code() == CauseCode.EGRESS_REFUSED;
        return troubles.all().stream()
                .filter(trouble -> isTheTools(trouble, told, network))
                .findFirst()
                .map(trouble -> joined(told, trouble))
                .orElse(told);
    }

    /** Hosts that are refused are none of the provider's, by definition: the tool's words, or a failing network, tie them to it. */
    private boolean isTheTools(Trouble trouble, Cause told, boolean network) {
        if (isProviders(trouble.host())) {
            return true;
        }
        return trouble.kind() == Kind.REFUSED
                && (told.evidence().stream().anyMatch(line -> line.contains(trouble.host()))
                        || (network && isRelated(trouble.host())));
    }

    private boolean isProviders(String host) {
        return provider.signIn().authorizationHosts().contains(host)
                || provider.egress().stream()
                        .anyMatch(allowed ->
                                allowed.startsWith("*.") ? host.endsWith(allowed.substring(1)) : host.equals(allowed));
    }

    /** Whether it is in the domain of one of the hosts where the user signs in. */
    private boolean isRelated(String host) {
        return provider.signIn().authorizationHosts().stream()
                .map(known -> known.substring(known.lastIndexOf('.', known.lastIndexOf('.') - 1) + 1))
                .anyMatch(domain -> host.equals(domain) || host.endsWith("." + domain));
    }

    private static Cause joined(Cause told, Trouble trouble) {
        List<String> evidence = new ArrayList<>(List.of(trouble.line()));
        evidence.addAll(told.evidence());
        return new Cause(trouble.kind().code(), trouble.reason(), evidence);
    }

    /**
     * Why the user cannot sign in, as the way out sees it: a host of the sign-in that was tried again and failed again, without
     * a success in between. Other hosts, such as those of fonts and counters, never end a wait.
     *
     * @param opened when the page was opened
     * @param now the time
     */
    Optional<Cause> whileWaiting(EgressTroubles troubles, Instant opened, Instant now) {
        return troubles.all().stream()
                .filter(trouble -> provider.signIn().authorizationHosts().contains(trouble.host()))
                .filter(trouble -> !trouble.last().isBefore(opened))
                .filter(trouble -> trouble.times() > 1
                        && trouble.lasting()
                                        .compareTo(
                                                trouble.first().isBefore(opened.plus(OPENING))
                                                        ? LASTING
                                                        : LASTING_LATER)
                                >= 0)
                .findFirst()
                .map(trouble -> new Cause(trouble.kind().code(), trouble.reason(), List.of(trouble.line())));
    }

    /** Why the page does not load: Chromium's word, joined with the way out's. */
    Cause pageFailed(Cause page, EgressTroubles troubles) {
        return page.code() == CauseCode.EGRESS_DOWN ? page : join(page, troubles);
    }

    /** Why a hand-over failed, from what came of asking the CLI machine to take the credentials. */
    static Cause handOver(Cause met) {
        if (MORE_THAN_HANDOVER.contains(met.code())) {
            return met.code() == CauseCode.HANDOVER_FAILED ? safe(met.detail(), met.evidence()) : withNote(met);
        }
        List<String> evidence = new ArrayList<>(List.of(met.code() + ": " + met.code().sentence()));
        evidence.addAll(met.evidence());
        return safe(met.detail(), evidence);
    }

    private static final String NOTE = "The credentials are safe in the vault.";

    private static Cause safe(String detail, List<String> evidence) {
        return withNote(new Cause(CauseCode.HANDOVER_FAILED, detail, evidence));
    }

    private static Cause withNote(Cause cause) {
        return new Cause(cause.code(), (cause.detail() + " " + NOTE).strip(), cause.evidence());
    }

    /** A status check's failure, with the machine that it was asked in. */
    static Cause statusCheck(Cause met) {
        return switch (met.code()) {
            case TOOL_MISSING, TOOL_FAILED ->
                new Cause(met.code(), "In the CLI machine: " + met.detail() + " " + NOTE, met.evidence());
            default -> met;
        };
    }
}
