package dev.sallyport.diagnosis;

import dev.sallyport.model.CauseCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The agent's process once its program runs: how it ends, that it hangs, and where it listens. */
final class AgentRules {
    static final List<Rule> ALL = List.of(
            AgentRules::ended,
            AgentRules::endedWell,
            AgentRules::notStarted,
            AgentRules::account,
            AgentRules::timedOut,
            AgentRules::hung,
            AgentRules::still,
            AgentRules::portTaken,
            AgentRules::wrongAddress,
            AgentRules::saysWrongAddress);

    /** Ports of services that a stock image may bring, which are not the agent's: ssh, smtp, dns, rpcbind, cups, llmnr, X, VNC. */
    private static final Set<Long> OF_OTHERS = Set.of(22L, 25L, 53L, 111L, 631L, 5355L, 5900L, 5901L, 6000L, 6001L);

    /** So long an agent may sit and wait for something without being given up. */
    private static final Duration MAY_SIT = Duration.ofSeconds(10);

    private static final Pattern ADDRESS_OR_PORT =
            Pattern.compile("(?:\\d\\.\\d{1,3}|\\]|::|\\*|localhost):\\d{2,5}\\b|[Pp]ort:? \\d{2,5}\\b");

    private AgentRules() {}

    /** See {@link AgentLife} for where the line is between the three causes. */
    private static void ended(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        if (life.ends() == 0 || !life.step().isEmpty()) {
            return;
        }
        List<Proof> last = seen.story().agentsLast(life.firstEnd());
        List<Proof> telling = last.subList(Math.max(0, last.size() - 5), last.size());
        var proofs = Proofs.none()
                .lines(life.proofs().stream().limit(3).toList())
                .lines(telling.reversed())
                .lines(life.proofs());
        String said = telling.isEmpty()
                ? ""
                : "; its last words: " + words(telling.getLast().line());
        if (life.ends() >= 2) {
            found.accept(new Finding(
                    CauseCode.AGENT_CRASH_LOOP,
                    life.certainty(),
                    Finding.EVENT + 2,
                    seen.unit() + " ended " + life.ends() + " times; it last " + life.ending() + said + ".",
                    proofs));
        } else if (life.signalled()) {
            found.accept(new Finding(
                    CauseCode.AGENT_KILLED,
                    life.certainty(),
                    Finding.EVENT + 1,
                    seen.unit() + " " + life.ending() + said + ".",
                    proofs.marks(seen.story().said(Sign.SEGFAULT, life.firstEnd()))));
        } else {
            found.accept(new Finding(
                    CauseCode.AGENT_FAILED,
                    life.certainty(),
                    Finding.EVENT,
                    seen.unit() + " " + life.ending() + said + ".",
                    proofs));
        }
    }

    /** What a line says, without who says it and when. */
    private static String words(String line) {
        String bare = line.replaceFirst("^.*?sallyport-words: journal ", "")
                .replaceFirst("^.{0,80}?[\\w.)(-]+\\[\\d+\\]: ", "");
        return bare.replaceFirst("^\\S+Z [\\w-]+: ", "").strip().replaceAll("\\.$", "");
    }

    /** A service that ends by itself with 0 is not started again by Restart=on-failure. */
    private static void endedWell(Seen seen, Consumer<Finding> found) {
        List<Mark> well = seen.story().agent(Sign.ENDED_WELL);
        boolean told = seen.unitWords()
                .map(unit -> unit.value("ActiveState").equals("inactive")
                        && unit.value("ExecMainCode").equals("1")
                        && unit.value("ExecMainStatus").equals("0"))
                .orElse(false);
        if ((well.isEmpty() && !told) || (seen.life().ends() > 0 && !told)) {
            return;
        }
        found.accept(new Finding(
                CauseCode.AGENT_FAILED,
                told ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.EVENT + (told ? 1 : 0),
                seen.unit() + " ended by itself with 0, before it answered.",
                Proofs.none()
                        .marks(well)
                        .word(seen.unitWords())
                        .lines(seen.story().agentsLast(Optional.empty()))));
    }

    /** Our agent names the cause of a start that failed itself. */
    private static void account(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        List<Mark> said = seen.story().said(Sign.OWN_ACCOUNT, life.firstEnd());
        if (said.isEmpty()) {
            return;
        }
        Mark last = said.getLast();
        CauseCode code = Stream.of(CauseCode.values())
                .filter(known -> known.name().equals(last.word(1)))
                .findFirst()
                .orElse(CauseCode.AGENT_FAILED);
        if (code == CauseCode.AGENT_FAILED) {
            return; // Its end tells more: whether it is started again.
        }
        found.accept(new Finding(
                code,
                life.troubled() ? Certainty.PROVEN : Certainty.DOOMED,
                Finding.THING + 1,
                "The agent could not start: " + last.word(2).replaceAll("\\.$", "") + ".",
                Proofs.none().marks(said).lines(life.proofs())));
    }

    /** A quiet console has only the status line. */
    private static void notStarted(Seen seen, Consumer<Finding> found) {
        List<Mark> marks = seen.story().agent(Sign.START_FAILED);
        AgentLife life = seen.life();
        if (marks.isEmpty() || life.ends() > 0) {
            return;
        }
        List<Proof> last =
                seen.story().agentsLast(Optional.of(marks.getFirst().proof().at()));
        found.accept(new Finding(
                CauseCode.AGENT_FAILED,
                Certainty.DOOMED,
                Finding.BARE + 5,
                "systemd could not start " + seen.unit() + ".",
                Proofs.none().marks(marks).lines(last).lines(life.proofs())));
    }

    /** Type=notify, or a watchdog: the agent did not say in time that it is ready, or that it lives. */
    private static void timedOut(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        var marks = new ArrayList<>(story.agent(Sign.START_TIMED_OUT));
        marks.addAll(story.agent(Sign.WATCHDOG));
        String result = seen.life().result();
        if (marks.isEmpty() && !result.equals("timeout") && !result.equals("watchdog")) {
            return;
        }
        boolean watchdog =
                result.equals("watchdog") || !story.agent(Sign.WATCHDOG).isEmpty();
        found.accept(new Finding(
                CauseCode.AGENT_HUNG,
                Certainty.PROVEN,
                Finding.KIND,
                watchdog
                        ? seen.unit() + " gave no sign of life to systemd's watchdog."
                        : seen.unit() + " did not become ready in the time that systemd gives it.",
                Proofs.none()
                        .marks(marks)
                        .lines(story.agentsLast(Optional.empty()).reversed())
                        .lines(seen.life().proofs())));
    }

    private static void hung(Seen seen, Consumer<Finding> found) {
        if (!seen.words().reason().equals("hung")) {
            return;
        }
        Optional<Words> process = seen.words().all("process").stream().findFirst();
        String state = process.map(words -> words.field(1)).orElse("");
        String who =
                process.map(words -> "the process " + words.field(0) + " of ").orElse("") + seen.unit();
        List<Proof> last = seen.story().agentsLast(Optional.empty());
        found.accept(new Finding(
                CauseCode.AGENT_HUNG,
                Certainty.PROVEN,
                Finding.EVENT + 5,
                capital(who) + " is there, makes no progress, and does not listen on "
                        + seen.subject().port()
                        + switch (state) {
                            case "D" -> " (it is blocked in the kernel, state D).";
                            case "T", "t" -> " (it is stopped, state " + state + ").";
                            case "" -> ".";
                            default -> " (state " + state + ").";
                        },
                Proofs.none()
                        .lines(seen.words().begin().stream().toList())
                        .word(process)
                        .word(seen.unitWords())
                        .lines(last.reversed().stream().limit(3).toList())
                        .words(seen.words().all("listen"))));
    }

    /** Without last words: the unit was started, the guest rests, and nothing listens. */
    private static void still(Seen seen, Consumer<Finding> found) {
        Story story = seen.story();
        AgentLife life = seen.life();
        List<Mark> started =
                story.agent(Sign.STARTED).isEmpty() ? story.agent(Sign.STARTING) : story.agent(Sign.STARTED);
        List<Proof> last = story.agentsLast(Optional.empty());
        boolean listens = !story.said(Sign.LISTENS, Optional.empty()).isEmpty();
        if (seen.idle().isEmpty() || life.troubled() || listens || (started.isEmpty() && last.isEmpty())) {
            return;
        }
        found.accept(new Finding(
                CauseCode.AGENT_HUNG,
                seen.idle().get().lasting().compareTo(MAY_SIT) >= 0 ? Certainty.DOOMED : Certainty.POSSIBLE,
                Finding.EVENT,
                seen.unit() + " was started, the machine is at rest, and nothing answers on port "
                        + seen.subject().port() + ".",
                Proofs.of(seen.idle().get())
                        .lines(last.reversed().stream().limit(3).toList())
                        .marks(started)
                        .lines(seen.answers().last().map(a -> new Proof(a.at(), a.text())).stream()
                                .toList())));
    }

    private static void portTaken(Seen seen, Consumer<Finding> found) {
        AgentLife life = seen.life();
        int port = seen.subject().port();
        List<Mark> bind = seen.story().said(Sign.BIND, life.firstEnd()).stream()
                .filter(mark -> ofPort(mark.proof().line(), port))
                .toList();
        List<Words> holders = seen.words().all("listen").stream()
                .filter(l -> l.number(1) == port)
                .toList();
        boolean dead = life.gaveUp()
                || seen.unitWords()
                        .map(unit -> unit.value("ActiveState").equals("failed"))
                        .orElse(false);
        if (bind.isEmpty() && !(dead && !holders.isEmpty())) {
            return;
        }
        boolean proven = life.troubled() || dead;
        found.accept(new Finding(
                CauseCode.AGENT_PORT_TAKEN,
                proven ? Certainty.PROVEN : Certainty.DOOMED,
                bind.isEmpty() ? Finding.EVENT + 6 : Finding.THING,
                "Another program in the machine already listens on port " + port
                        + (holders.isEmpty() ? "." : " (" + holders.getFirst().field(0) + ")."),
                Proofs.none().marks(bind).words(holders).lines(life.proofs())));
    }

    /** A line that names a port names that one; one that names none may mean it. */
    private static boolean ofPort(String line, int port) {
        return line.matches(".*\\b" + port + "\\b.*")
                || !ADDRESS_OR_PORT.matcher(line).find();
    }

    /** The last words show sockets, but not whose: the right port on a wrong address speaks for itself, another port must be the only stranger. */
    private static void wrongAddress(Seen seen, Consumer<Finding> found) {
        int port = seen.subject().port();
        List<Words> listens = seen.words().all("listen");
        boolean alive = seen.unitWords()
                .map(unit -> unit.value("ActiveState").equals("active") || unit.number("MainPID") > 0)
                .orElse(!seen.words().all("process").isEmpty());
        if (!alive || listens.isEmpty() || seen.life().gaveUp()) {
            return;
        }
        List<Words> right = listens.stream().filter(l -> l.number(1) == port).toList();
        if (!right.isEmpty()) {
            if (right.stream().allMatch(l -> loopback(l.field(0)))) {
                found.accept(
                        address(seen, Certainty.PROVEN, right, right.getFirst().field(0), port));
            }
            return;
        }
        List<Words> strange =
                listens.stream().filter(l -> !OF_OTHERS.contains(l.number(1))).toList();
        List<Words> said =
                strange.stream().filter(l -> mentioned(seen, l.number(1))).toList();
        if (!said.isEmpty()) {
            found.accept(address(
                    seen,
                    Certainty.PROVEN,
                    said,
                    said.getFirst().field(0),
                    said.getFirst().number(1)));
        } else if (strange.stream().map(l -> l.number(1)).distinct().count() == 1) {
            found.accept(address(
                    seen,
                    Certainty.DOOMED,
                    strange,
                    strange.getFirst().field(0),
                    strange.getFirst().number(1)));
        }
    }

    private static boolean mentioned(Seen seen, long port) {
        return seen.story().agentsLast(Optional.empty()).stream()
                .anyMatch(line -> line.line().matches(".*(?:\\b|:)" + port + "\\b.*"));
    }

    private static Finding address(Seen seen, Certainty certainty, List<Words> proofs, String address, long port) {
        return new Finding(
                CauseCode.AGENT_WRONG_ADDRESS,
                certainty,
                Finding.KIND + 5,
                "The agent listens on " + address + " port " + port + ", and is asked on all addresses, port "
                        + seen.subject().port() + ".",
                Proofs.none()
                        .words(proofs)
                        .word(seen.unitWords())
                        .words(seen.words().all("process"))
                        .lines(seen.story().agentsLast(Optional.empty()).reversed()));
    }

    /** The agent itself says where it listens. */
    private static void saysWrongAddress(Seen seen, Consumer<Finding> found) {
        List<Mark> said = seen.story().said(Sign.LISTENS, Optional.empty());
        int port = seen.subject().port();
        if (said.isEmpty()
                || seen.life().troubled()
                || said.stream().anyMatch(mark -> mark.number(2) == port && !loopback(mark.word(1)))) {
            return;
        }
        Mark last =
                said.stream().filter(mark -> mark.number(2) == port).findFirst().orElse(said.getLast());
        boolean asked = seen.answers()
                        .lastIs(Evidence.Reply.REFUSED, last.proof().at())
                || seen.answers().lastIs(Evidence.Reply.CLOSED, last.proof().at());
        boolean ours = last.proof().line().contains("answers on");
        found.accept(new Finding(
                CauseCode.AGENT_WRONG_ADDRESS,
                asked && (ours || seen.idle().isPresent())
                        ? Certainty.PROVEN
                        : asked || ours ? Certainty.DOOMED : Certainty.POSSIBLE,
                Finding.KIND + 5,
                "The agent says that it listens on " + (last.word(1).isEmpty() ? "" : last.word(1) + " ") + "port "
                        + last.word(2) + ", and is asked on all addresses, port " + port + ".",
                Proofs.of(last)
                        .lines(seen.answers().last().map(a -> new Proof(a.at(), a.text())).stream()
                                .toList())));
    }

    private static boolean loopback(String address) {
        String bare = address.replaceAll("[\\[\\]/]", "");
        return bare.startsWith("127.")
                || bare.equals("::1")
                || bare.equals("localhost")
                || bare.startsWith("localhost/")
                || bare.startsWith("::ffff:127.");
    }

    private static String capital(String text) {
        return text.startsWith("the ") ? "T" + text.substring(1) : text;
    }
}
