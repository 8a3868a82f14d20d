package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How systemd loads the agent's unit, and whether anything starts it. */
final class UnitRules {
    static final List<Rule> ALL = List.of(
            UnitRules::invalid,
            UnitRules::masked,
            UnitRules::missing,
            UnitRules::skipped,
            UnitRules::cycle,
            UnitRules::notStarted,
            UnitRules::cameUpWithout);

    private static final Pattern LINK = Pattern.compile(".*/([^/]+)\\.(?:wants|requires|upholds)/[^/]+");

    private UnitRules() {}

    private static void invalid(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        String unit = seen.unit();
        List<Mark> syntax = story.agent(Sign.UNIT_SYNTAX);
        var refusals = new ArrayList<Mark>();
        refusals.addAll(story.agent(Sign.REFUSING));
        refusals.addAll(story.agent(Sign.FATAL_CONFIGURATION));
        refusals.addAll(story.agent(Sign.LOAD_FAILED));
        refusals.addAll(story.agent(Sign.BAD_SETTING));
        Optional<Words> state = seen.unitWords()
                .filter(words -> words.value("LoadState").equals("bad-setting")
                        || words.value("LoadState").equals("error"));
        Optional<Words> error = seen.words().about("error", unit);
        String where = syntax.isEmpty()
                ? ""
                : " (line " + syntax.getFirst().word(2) + ": "
                        + bare(syntax.getFirst().word(3)) + ")";
        if (!refusals.isEmpty() || state.isPresent()) {
            Optional<String> refusal = refusals.stream()
                    .map(mark -> mark.word(2))
                    .filter(text -> !text.isEmpty())
                    .findFirst()
                    .or(() -> error.map(words ->
                            words.rest().substring(words.field(0).length()).strip()));
            found.accept(new Finding(
                    CauseCode.UNIT_INVALID,
                    Certainty.PROVEN,
                    Finding.THING,
                    "systemd cannot use " + unit
                            + refusal.map(text -> ": " + bare(text)).orElse("") + where + ".",
                    Proofs.none().marks(syntax).marks(refusals).word(error).word(state)));
            return;
        }
        if (!syntax.isEmpty()) {
            // Lines that systemd does not understand are left out; most units live on without them.
            found.accept(new Finding(
                    CauseCode.UNIT_INVALID,
                    Certainty.POSSIBLE,
                    Finding.BARE,
                    "systemd does not understand a line of " + unit + where + ".",
                    Proofs.none().marks(syntax)));
        }
    }

    private static void masked(Seen seen, Consumer<Finding> found) {
        List<Mark> lines = seen.story().agent(Sign.MASKED);
        Optional<Words> state =
                seen.unitWords().filter(words -> words.value("LoadState").equals("masked"));
        if (lines.isEmpty() && state.isEmpty()) {
            return;
        }
        List<Words> links = seen.words().all("link").stream()
                .filter(link -> link.is(1, "masked"))
                .toList();
        found.accept(new Finding(
                CauseCode.UNIT_MASKED,
                Certainty.PROVEN,
                Finding.THING,
                seen.unit() + " is masked"
                        + (links.isEmpty() ? "." : ": " + links.getFirst().field(0) + " leads to /dev/null."),
                Proofs.none().word(state).words(links).marks(lines)));
    }

    private static void missing(Seen seen, Consumer<Finding> found) {
        List<Mark> lines = seen.story().agent(Sign.NOT_FOUND);
        Optional<Words> state =
                seen.unitWords().filter(words -> words.value("LoadState").equals("not-found"));
        List<Words> dangling = dangling(seen);
        if (state.isEmpty() && lines.isEmpty()) {
            return;
        }
        if (!dangling.isEmpty()) {
            found.accept(dangling(dangling, state, lines, seen.unit()));
            return;
        }
        found.accept(new Finding(
                CauseCode.AGENT_MISSING,
                state.isPresent() ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.KIND,
                "There is no unit " + seen.unit() + " in the machine.",
                Proofs.none().word(state).marks(lines)));
    }

    private static List<Words> dangling(Seen seen) {
        return seen.words().all("link").stream()
                .filter(link -> link.is(1, "dangling"))
                .toList();
    }

    private static Finding dangling(List<Words> dangling, Optional<Words> state, List<Mark> lines, String unit) {
        return new Finding(
                CauseCode.UNIT_LINK_DANGLING,
                Certainty.PROVEN,
                Finding.THING,
                "The link " + dangling.getFirst().field(0) + ", which enables " + unit + ", leads nowhere.",
                Proofs.none().words(dangling).word(state).marks(lines));
    }

    private static void skipped(Seen seen, Consumer<Finding> found) {
        var marks = new ArrayList<>(seen.story().agent(Sign.SKIPPED));
        marks.addAll(seen.story().agent(Sign.SKIPPED_OLD));
        marks.addAll(seen.story().agent(Sign.ASSERT_FAILED));
        if (marks.isEmpty() || !seen.story().agent(Sign.STARTED).isEmpty()) {
            return;
        }
        String why = bare(marks.getFirst().word(2));
        found.accept(new Finding(
                CauseCode.UNIT_SETUP_FAILED,
                Certainty.PROVEN,
                Finding.KIND,
                "systemd did not start " + seen.unit() + ": "
                        + (why.isEmpty() ? "a condition of it is not met." : "skipped because of " + why + "."),
                Proofs.none().marks(marks)));
    }

    private static void cycle(Seen seen, Consumer<Finding> found) {
        List<Mark> marks = seen.story().agent(Sign.CYCLE);
        if (!marks.isEmpty() && seen.story().agent(Sign.STARTED).isEmpty()) {
            found.accept(new Finding(
                    CauseCode.UNIT_WAITS_FOR_TARGET,
                    Certainty.PROVEN,
                    Finding.THING,
                    "The units that " + seen.unit()
                            + " is ordered after wait for it in turn; systemd left it out to break the circle.",
                    Proofs.none().marks(marks)));
        }
    }

    /** The last words of a boot that came to rest without having started the unit. */
    private static void notStarted(Seen seen, Consumer<Finding> found) {
        Optional<Words> state = seen.unitWords()
                .filter(words -> words.value("LoadState").equals("loaded")
                        && words.value("ActiveState").equals("inactive"));
        if (state.isEmpty() || seen.life().troubled() || WaitRules.queued(seen)) {
            return;
        }
        String unit = seen.unit();
        List<Words> links = seen.words().all("link");
        List<Words> good = links.stream().filter(link -> link.is(1, "ok")).toList();
        List<Words> targets = seen.words().all("target");
        if (good.isEmpty()) {
            List<Words> dangling = dangling(seen);
            found.accept(
                    !dangling.isEmpty()
                            ? dangling(dangling, state, List.of(), unit)
                            : new Finding(
                                    CauseCode.UNIT_NOT_ENABLED,
                                    Certainty.PROVEN,
                                    Finding.KIND + 5,
                                    unit + " is there, but no target's .wants or .requires folder links to it.",
                                    Proofs.none().word(state).words(targets)));
            return;
        }
        Optional<Words> active =
                targets.stream().filter(target -> target.is(1, "active")).findFirst();
        String target = targets.isEmpty()
                ? target(good.getFirst().field(0))
                : targets.getFirst().field(0);
        if (active.isEmpty()) {
            found.accept(new Finding(
                    CauseCode.UNIT_TARGET_NOT_REACHED,
                    targets.isEmpty() ? Certainty.DOOMED : Certainty.PROVEN,
                    Finding.KIND,
                    unit + " is enabled for " + target + ", which this boot does not reach.",
                    Proofs.none().words(targets).words(good).word(state)));
            return;
        }
        found.accept(new Finding(
                CauseCode.UNIT_SETUP_FAILED,
                Certainty.DOOMED,
                Finding.BARE,
                active.get().field(0) + " is reached and wants " + unit + ", and yet systemd did not start it.",
                Proofs.none().word(state).words(good).words(targets)));
    }

    private static String target(String link) {
        Matcher matcher = LINK.matcher(link);
        return matcher.matches() ? matcher.group(1) : "a target";
    }

    /** Without last words: the boot is over and at rest, systemd told what it started, and the agent is not among it. */
    private static void cameUpWithout(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        if (seen.idle().isEmpty() || !seen.words().none() || seen.life().troubled()) {
            return;
        }
        var over = new ArrayList<Mark>();
        over.addAll(story.of(Sign.STARTUP_FINISHED));
        over.addAll(story.of(Sign.LOGIN));
        over.addAll(story.of(Sign.REACHED).stream()
                .filter(mark -> mark.word(1).matches("(?i).*(?:multi-user|graphical|sallyport|default).*"))
                .toList());
        boolean began = !story.agent(Sign.STARTED).isEmpty()
                || !story.agent(Sign.STARTING).isEmpty()
                || !story.agentsLast(Optional.empty()).isEmpty();
        boolean tells = !story.others(Sign.STARTED).isEmpty() || story.has(Sign.REACHED);
        if (!over.isEmpty() && tells && !began) {
            found.accept(new Finding(
                    CauseCode.AGENT_MISSING,
                    Certainty.DOOMED,
                    Finding.BARE,
                    "The machine came up and is at rest, and systemd never spoke of " + seen.unit() + ".",
                    Proofs.none().marks(over).seen(seen.idle().get())));
        }
    }

    private static String bare(String text) {
        return text.strip().replaceAll("\\.$", "");
    }
}
