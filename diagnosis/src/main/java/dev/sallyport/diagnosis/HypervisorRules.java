package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.util.List;
import java.util.function.Consumer;

/** The host's side: the hypervisor's end, and a guest that does not run. */
final class HypervisorRules {
    static final List<Rule> ALL = List.of(HypervisorRules::ended, HypervisorRules::halted);

    private HypervisorRules() {}

    private static void ended(Seen seen, Consumer<Finding> found) {
        seen.exit().ifPresent(exit -> found.accept(ended(seen, exit)));
    }

    private static Finding ended(Seen seen, Evidence.Exit exit) {
        var proofs = Proofs.none();
        exit.lines().reversed().forEach(line -> proofs.add(new Proof(exit.at(), line)));
        if (exit.lines().isEmpty()) {
            proofs.seen(exit);
        }
        proofs.lines(seen.story().lines().reversed());
        String last = exit.lines().isEmpty() ? "." : ": " + exit.lines().getLast();
        return switch (exit.end()) {
            case DESTROYED ->
                proven(
                        CauseCode.MACHINE_ENDED,
                        Finding.BARE - 5,
                        "It was destroyed before its agent answered.",
                        proofs);
            case GUEST_SHUTDOWN ->
                proven(
                        CauseCode.MACHINE_ENDED,
                        Finding.BARE - 5,
                        "It powered itself off before its agent answered.",
                        proofs);
            case GUEST_PANIC -> proven(CauseCode.KERNEL_PANIC, Finding.BARE, "Its kernel panicked.", proofs);
            case FAILED ->
                proven(
                        exit.lines().stream().anyMatch(HypervisorRules::kvm)
                                ? CauseCode.KVM_REFUSED
                                : CauseCode.HYPERVISOR_FAILED,
                        Finding.EVENT + 5,
                        "The hypervisor ended with " + exit.code() + last,
                        proofs);
            case KILLED -> {
                int signal = exit.code() > 128 ? exit.code() - 128 : exit.code();
                String name = Signals.name(signal);
                yield proven(
                        CauseCode.HYPERVISOR_KILLED,
                        Finding.EVENT + 5,
                        "The hypervisor was ended by signal " + signal + (name.isEmpty() ? "." : " (SIG" + name + ")."),
                        proofs);
            }
        };
    }

    private static boolean kvm(String line) {
        return line.matches("(?i).*(?:could not access kvm|failed to initialize kvm|/dev/kvm).*");
    }

    private static Finding proven(CauseCode code, int rank, String detail, Proofs proofs) {
        return new Finding(code, Certainty.PROVEN, rank, detail, proofs);
    }

    private static void halted(Seen seen, Consumer<Finding> found) {
        seen.halted()
                .ifPresent(halted -> found.accept(new Finding(
                        CauseCode.GUEST_FROZEN,
                        Certainty.PROVEN,
                        Finding.THING,
                        "The hypervisor is there and does not run its guest: " + halted.text(),
                        Proofs.of(halted)
                                .lines(seen.story().lines().reversed().stream()
                                        .limit(3)
                                        .toList()))));
    }
}
