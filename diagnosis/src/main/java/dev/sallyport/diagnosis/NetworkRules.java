package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/** What the network answers, what it lacks, and what the agent says of its parts. */
final class NetworkRules {
    static final List<Rule> ALL = List.of(NetworkRules::stranger, NetworkRules::noDevice, NetworkRules::unreachable);

    /** These hold of an agent that answers, too. */
    static final List<Rule> OF_HEALTHY = List.of(NetworkRules::part);

    /** A machine whose agent listens is reached in less. */
    private static final Duration REACHED_IN = Duration.ofSeconds(5);

    private NetworkRules() {}

    /** A stranger on the port; one that stays is the cause, one that does not may go on to say why. */
    private static void stranger(Seen seen, Consumer<Finding> found) {
        Optional<Evidence.Answer> wrong = seen.answers().first(Evidence.Reply.WRONG);
        Optional<Evidence.Answer> last = seen.answers().last().filter(answer -> answer.reply() == Evidence.Reply.WRONG);
        if (wrong.isEmpty() || last.isEmpty()) {
            return;
        }
        boolean stays = seen.answers().count(Evidence.Reply.WRONG) >= 2
                && Duration.between(wrong.get().at(), last.get().at()).toMillis() >= 1000;
        found.accept(new Finding(
                CauseCode.AGENT_WRONG,
                stays ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.EVENT + 1,
                "Something else answers on the agent's port: " + wrong.get().text(),
                Proofs.of(wrong.get()).seen(last.get())));
    }

    private static void noDevice(Seen seen, Consumer<Finding> found) {
        List<Words> none = seen.words().all("net").stream()
                .filter(net -> net.is(0, "none"))
                .toList();
        if (!none.isEmpty()) {
            found.accept(new Finding(
                    CauseCode.NETWORK_DEVICE_MISSING,
                    Certainty.PROVEN,
                    Finding.KIND + 8,
                    "The machine has no network interface but lo.",
                    Proofs.none().words(none)));
            return;
        }
        List<Mark> said = seen.story().of(Sign.NO_NETWORK);
        if (said.isEmpty() || seen.story().has(Sign.FATAL)) {
            return;
        }
        boolean device =
                said.stream().anyMatch(mark -> mark.word(1).matches("(?i).*(?:no network|device|interface).*"));
        Optional<Mark> module = seen.story().of(Sign.MODULE_MISSING).stream()
                .filter(mark -> mark.word(1).contains("net"))
                .findFirst();
        found.accept(new Finding(
                CauseCode.NETWORK_DEVICE_MISSING,
                device ? Certainty.DOOMED : Certainty.POSSIBLE,
                Finding.KIND,
                module.map(mark ->
                                "The initramfs has no module " + mark.word(1) + ", the driver of the network device.")
                        .orElse("The initramfs could not set up the network: "
                                + said.getFirst().word(1).replaceFirst("^sallyport-initramfs: ", "") + "."),
                Proofs.none().marks(said).marks(module.stream().toList())));
    }

    /** The agent says that it listens, and no packet comes through. */
    private static void unreachable(Seen seen, Consumer<Finding> found) {
        List<Mark> listens = seen.story().said(Sign.LISTENS, Optional.empty());
        if (listens.isEmpty() || !seen.answers().only(Evidence.Reply.UNREACHABLE)) {
            return;
        }
        boolean long_ =
                Duration.between(listens.getFirst().proof().at(), seen.now()).compareTo(REACHED_IN) >= 0;
        var proofs = Proofs.of(listens.getFirst());
        seen.answers().last().ifPresent(proofs::seen);
        found.accept(new Finding(
                CauseCode.NETWORK_DEVICE_MISSING,
                long_ ? Certainty.DOOMED : Certainty.POSSIBLE,
                Finding.EVENT,
                "The agent listens, and no packet reaches the machine.",
                proofs.marks(seen.story().of(Sign.NO_NETWORK))));
    }

    /** The agent's own account of a part that failed. */
    private static void part(Seen seen, Consumer<Finding> found) {
        for (Evidence.FailedPart part : seen.parts()) {
            String name = part.part().toLowerCase(Locale.ROOT);
            CauseCode code = name.contains("egress")
                    ? CauseCode.EGRESS_DOWN
                    : name.contains("clock")
                            ? CauseCode.CLOCK_WRONG
                            : part.text().contains("No space left on device")
                                    ? CauseCode.WRITABLE_DISK_FULL
                                    : part.text().contains("Cannot allocate memory")
                                            ? CauseCode.OUT_OF_MEMORY
                                            : CauseCode.PART_FAILED;
            found.accept(new Finding(
                    code,
                    Certainty.PROVEN,
                    code == CauseCode.PART_FAILED ? Finding.EVENT + 8 : Finding.KIND,
                    "The agent says that its part '" + part.part() + "' failed: " + part.text(),
                    Proofs.of(part).lines(last(seen))));
        }
    }

    private static List<Proof> last(Seen seen) {
        return seen.story().agentsLast(Optional.empty()).reversed().stream()
                .limit(4)
                .toList();
    }
}
