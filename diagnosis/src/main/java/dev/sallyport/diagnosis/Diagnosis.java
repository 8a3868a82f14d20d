package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Collects evidence of one machine's start and judges it. Not safe for several threads.
 *
 * <p>Of what the rules find, the most certain is told, and of that the most specific. As long as the guest is writing its last
 * words nothing is PROVEN, because their next line may name the reason better; once the machine has ended, what was DOOMED is
 * PROVEN.
 */
public final class Diagnosis {
    private static final List<Rule> RULES = Stream.of(
                    KernelRules.ALL,
                    InitramfsRules.ALL,
                    BootRules.ALL,
                    UnitRules.ALL,
                    WaitRules.ALL,
                    ExecRules.ALL,
                    LoaderRules.ALL,
                    AgentRules.ALL,
                    NetworkRules.ALL,
                    ResourceRules.ALL)
            .flatMap(List::stream)
            .toList();
    private static final List<Rule> ALWAYS = Stream.concat(
                    HypervisorRules.ALL.stream(), NetworkRules.OF_HEALTHY.stream())
            .toList();

    private static final Comparator<Finding> BEST =
            Comparator.comparing(Finding::certainty).thenComparingInt(Finding::rank);

    private final Seen seen;
    private Optional<Finding> best = Optional.empty();
    private boolean judged;

    /** A diagnosis of {@code subject} without evidence yet. */
    public Diagnosis(Subject subject) {
        this.seen = new Seen(subject);
    }

    /** Takes what was seen; in the order in which it was. */
    public void add(Evidence evidence) {
        judged &= !seen.accept(evidence);
    }

    /** The most specific verdict of what was seen; empty while nothing speaks against the machine. */
    public Optional<Verdict> verdict() {
        return best().map(finding -> finding.verdict(seen.now()));
    }

    /** A verdict in any case, for a wait that has ended: where no rule says anything, what was seen last. */
    public Verdict last() {
        return best().filter(finding -> finding.rank() > Finding.HINT)
                .orElseGet(this::silent)
                .verdict(seen.now());
    }

    /** The steps of coming up that were seen, in the order of their times. */
    public List<Phase> phases() {
        return Phases.of(seen);
    }

    private Optional<Finding> best() {
        if (!judged) {
            var findings = new ArrayList<Finding>();
            ALWAYS.forEach(rule -> rule.judge(seen, findings::add));
            if (seen.healthy().isEmpty() || seen.exit().isPresent()) {
                RULES.forEach(rule -> rule.judge(seen, findings::add));
            }
            best = findings.stream().map(this::weighed).max(BEST);
            judged = true;
        }
        return best;
    }

    private Finding weighed(Finding finding) {
        if (seen.exit().isPresent()) {
            return finding.certainty() == Certainty.DOOMED ? finding.with(Certainty.PROVEN) : finding;
        }
        return seen.words().open() && finding.certainty() == Certainty.PROVEN
                ? finding.with(Certainty.DOOMED)
                : finding;
    }

    /** Nothing explains it: what the network, the guest and the console said last. */
    private Finding silent() {
        Optional<Evidence.Answer> last = seen.answers().last();
        String what = last.map(answer -> switch (answer.reply()) {
                    case UNREACHABLE -> "could not be reached: no way to the machine";
                    case REFUSED -> "did not listen: the machine refused the connection";
                    case CLOSED -> "did not listen: connections to it were accepted and broken at once";
                    case SILENT -> "accepted connections and said nothing";
                    case WRONG -> "answered something else";
                    case HEALTHY -> "answered too late";
                })
                .orElse("was not asked to the end");
        String within = seen.deadline()
                .map(deadline -> " within " + deadline.waited().toMillis() + " ms")
                .orElse("");
        List<Phase> phases = phases();
        String reached = phases.isEmpty()
                ? ""
                : "; the last that was seen: " + phases.getLast().name().text();
        Instant now = seen.now();
        var proofs = Proofs.none();
        last.ifPresent(answer -> proofs.add(new Proof(answer.at(), "seen last: " + answer.text())));
        proofs.add(new Proof(now, "all answers: " + seen.answers().text()));
        if (seen.story().count() == 0) {
            proofs.add(new Proof(now, "the console is empty: its kernel never spoke"));
        }
        best().ifPresent(hint -> proofs.lines(hint.proofs().stream().limit(2).toList()));
        seen.idle().ifPresent(proofs::seen);
        proofs.lines(seen.story().lines().reversed());
        return new Finding(
                CauseCode.AGENT_SILENT,
                Certainty.POSSIBLE,
                Finding.BARE,
                "The agent " + what + within + (seen.story().count() == 0 ? "; the console stayed empty" : reached)
                        + ".",
                proofs);
    }
}
