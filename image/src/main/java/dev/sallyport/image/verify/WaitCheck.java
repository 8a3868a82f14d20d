package dev.sallyport.image.verify;

import dev.sallyport.image.verify.KnownUnits.Obstacle;
import dev.sallyport.image.verify.systemd.BootPlan;
import dev.sallyport.image.verify.systemd.Conditions;
import dev.sallyport.image.verify.systemd.Edge;
import dev.sallyport.image.verify.systemd.Edge.Kind;
import dev.sallyport.image.verify.systemd.ExecCommand;
import dev.sallyport.image.verify.systemd.ExecLines;
import dev.sallyport.image.verify.systemd.Setting;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.image.verify.systemd.UnitProblem;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Whether a unit waits for, or needs, something that does not come. */
final class WaitCheck {
    private static final int MOST_DEEP = 50;
    private static final String NETWORK = "network-online.target";

    private final Subject subject;
    private final Unit unit;
    private final BootPlan plan;
    private final Findings findings;
    /** Devices that were reported as what ends the boot. */
    private final Set<String> reported = new HashSet<>();

    WaitCheck(Subject subject) {
        this.subject = subject;
        this.unit = subject.unit();
        this.plan = subject.plan();
        this.findings = subject.findings();
    }

    /** Mounts without which the boot ends in emergency mode, whatever the unit says. */
    void emergency() throws IOException {
        if (!plan.starts("local-fs.target")) {
            return;
        }
        for (Edge edge : plan.edges("local-fs.target")) {
            Unit mount = subject.units().load(edge.to());
            if (!edge.hard() || !plan.starts(mount.name())) {
                continue;
            }
            for (Edge device : plan.edges(mount.name())) {
                if (device.hard() && device.to().endsWith(".device")) {
                    Optional<Obstacle> obstacle = Devices.obstacle(subject, device.to());
                    if (obstacle.isPresent()) {
                        reported.add(device.to());
                        boolean certain = obstacle.get().certain() && !ownDisk(mount);
                        findings.add(
                                certain,
                                CauseCode.EMERGENCY_MODE,
                                device.file(),
                                device.line(),
                                "The mount of " + mount.value("Mount", "Where") + " needs "
                                        + mount.value("Mount", "What") + ", which "
                                        + obstacle.get().text() + "; without it the boot ends in emergency mode.",
                                "Remove the line, or give it the option nofail.");
                    }
                }
            }
        }
    }

    /** A disk image of others has partitions of its own for these, which its table names. */
    private boolean ownDisk(Unit mount) {
        return !subject.options().ours() && mount.value("Mount", "Where").matches("/boot(/.*)?|/efi");
    }

    void check() throws IOException {
        requirements();
        if (!plan.starts(unit.name())) {
            return;
        }
        conditions();
        cycle();
        Map<String, Edge> waited = plan.allWaitedFor(unit.name());
        for (String name : waited.keySet()) {
            Unit other = subject.units().load(name);
            if (reported.contains(name)
                    || Conditions.failing(subject.tree(), other, "Condition").isPresent()) {
                continue;
            }
            boolean device = other.type().equals("device");
            Optional<Obstacle> obstacle =
                    device ? Devices.obstacle(subject, name) : KnownUnits.obstacle(subject, other);
            if (obstacle.isPresent()) {
                List<Edge> chain = BootPlan.chain(waited, unit.name(), name);
                report(
                        device ? CauseCode.UNIT_WAITS_FOR_DEVICE : CauseCode.UNIT_WAITS_FOR_TARGET,
                        name,
                        chain,
                        obstacle.get());
            }
        }
        unordered(waited);
        network(waited);
    }

    private void report(CauseCode code, String name, List<Edge> chain, Obstacle obstacle) throws IOException {
        Edge where = place(chain);
        String via = chain.size() < 2
                ? ""
                : " (" + subject.name() + " after "
                        + chain.stream().map(Edge::to).collect(Collectors.joining(" after ")) + ")";
        boolean swap = chain.stream().anyMatch(edge -> edge.from().endsWith(".swap"))
                && !subject.options().ours();
        findings.add(
                obstacle.certain() && !swap,
                code,
                where.file().isEmpty() ? unit.path() : where.file(),
                where.line(),
                subject.whose() + " waits for " + name + via + ", which " + obstacle.text() + ".",
                obstacle.remedy());
    }

    /** Where the wait is written down: the nearest line that somebody wrote. */
    private Edge place(List<Edge> chain) {
        Edge own = chain.getFirst();
        if (own.line() > 0) {
            return own;
        }
        Edge last = chain.getLast();
        return last.line() > 0 || !last.file().isEmpty() ? last : own;
    }

    /** What it cannot start without. */
    private void requirements() throws IOException {
        Optional<Edge> failing = plan.failing(unit.name());
        Optional<Edge> broken = plan.broken(unit.name());
        if (failing.isPresent()) {
            lacking(failing.get(), true, "");
            return;
        }
        if (broken.isPresent()) {
            lacking(
                    broken.get(),
                    !plan.starts(unit.name()),
                    " A boot starts it nevertheless, and everything later is refused, its restarts too.");
        }
        for (Edge edge : plan.edges(unit.name())) {
            Unit needed = subject.units().load(edge.to());
            if (edge.kind() == Kind.REQUISITE && !plan.starts(needed.name())) {
                boolean target = needed.type().equals("target");
                findings.error(
                        target ? CauseCode.UNIT_TARGET_NOT_REACHED : CauseCode.UNIT_DEPENDENCY_FAILED,
                        edge.file(),
                        edge.line(),
                        subject.whose() + " starts only when " + edge.to()
                                + " is running already (Requisite=), and nothing in this boot starts that.",
                        "Write Requires= or Wants=, or enable " + edge.to() + ".");
            } else if (edge.hard() && plan.starts(needed.name())) {
                needed(edge, needed);
            }
        }
    }

    /** Tells of the first unit down the chain that is not there. */
    private void lacking(Edge first, boolean error, String more) throws IOException {
        List<Edge> chain = new ArrayList<>(List.of(first));
        while (chain.size() < MOST_DEEP
                && subject.units().load(chain.getLast().to()).loaded()) {
            String name = subject.units().load(chain.getLast().to()).name();
            Optional<Edge> next = plan.failing(name);
            if (next.isEmpty()) {
                next = plan.broken(name);
            }
            if (next.isEmpty()) {
                break;
            }
            chain.add(next.get());
        }
        Edge last = chain.getLast();
        Unit needed = subject.units().load(last.to());
        String how = switch (needed.state()) {
            case MASKED -> "is masked";
            case BAD ->
                "is refused by systemd ("
                        + needed.fatal()
                                .map(UnitProblem::text)
                                .orElse("it is invalid")
                                .replaceFirst("\\.$", "") + ")";
            case LOADED -> "nothing in this boot starts";
            case MISSING -> "is not there";
        };
        findings.add(
                error,
                CauseCode.UNIT_DEPENDENCY_FAILED,
                last.file().isEmpty() ? unit.path() : last.file(),
                last.line(),
                subject.whose() + " "
                        + chain.stream()
                                .map(edge -> edge.words() + " " + edge.to())
                                .collect(Collectors.joining(", which "))
                        + ", which " + how + "." + more,
                "Remove the dependency, or mend " + last.to() + ".");
    }

    /** A required unit that fails takes this one along. */
    private void needed(Edge edge, Unit needed) throws IOException {
        Optional<Setting> failing = Conditions.failing(subject.tree(), needed, "Assert");
        if (failing.isPresent()) {
            findings.error(
                    CauseCode.UNIT_DEPENDENCY_FAILED,
                    failing.get().file(),
                    failing.get().line(),
                    subject.whose() + " " + edge.words() + " " + needed.name() + ", whose "
                            + failing.get().key() + "=" + failing.get().value() + " does not hold.",
                    "Remove the dependency, or make it hold.");
        }
        if (!needed.type().equals("service")
                || Conditions.failing(subject.tree(), needed, "Condition").isPresent()) {
            return;
        }
        String type = needed.value("Service", "Type");
        boolean waits =
                plan.waitsFor(unit.name()).stream().anyMatch(one -> one.to().equals(needed.name()));
        boolean certain = edge.kind() == Kind.BINDS_TO
                || (waits && !type.isEmpty() && !type.equals("simple") && !type.equals("idle"));
        for (ExecCommand command : ExecLines.read(needed, "Service", "ExecStart", new ArrayList<>())) {
            Optional<String> path = subject.programs().located(command.program(), ExecCommand.SEARCHED);
            if (!command.failureIgnored()
                    && (path.isEmpty() || subject.tree().find(path.get()).isEmpty())) {
                findings.add(
                        certain,
                        CauseCode.UNIT_DEPENDENCY_FAILED,
                        command.setting().file(),
                        command.setting().line(),
                        subject.whose() + " " + edge.words() + " " + needed.name() + ", which fails: "
                                + command.program() + " is not there.",
                        "Remove the dependency, or add the program.");
            }
        }
    }

    private void conditions() throws IOException {
        for (String prefix : List.of("Condition", "Assert")) {
            Optional<Setting> failing = Conditions.failing(subject.tree(), unit, prefix);
            if (failing.isPresent()) {
                findings.error(
                        CauseCode.UNIT_SETUP_FAILED,
                        failing.get().file(),
                        failing.get().line(),
                        subject.whose() + " is not started, because "
                                + failing.get().key() + "=" + failing.get().value() + " does not hold in this image.",
                        "Add what it asks for, or remove the line.");
            }
        }
    }

    private void cycle() {
        List<Edge> cycle = plan.cycle(unit.name());
        if (!cycle.isEmpty()) {
            Edge where =
                    cycle.stream().filter(edge -> edge.line() > 0).findFirst().orElse(cycle.getFirst());
            findings.error(
                    CauseCode.UNIT_WAITS_FOR_TARGET,
                    where.file(),
                    where.line(),
                    subject.whose() + " waits for itself: " + subject.name() + " starts after "
                            + cycle.stream().map(Edge::to).collect(Collectors.joining(", which starts after "))
                            + "; systemd leaves one of them out, and it may be this one.",
                    "Remove one of the orderings.");
        }
    }

    /** Bound to a device, but not ordered after it: started, and stopped when the device does not come. */
    private void unordered(Map<String, Edge> waited) throws IOException {
        for (Edge edge : plan.edges(unit.name())) {
            if (edge.hard() && edge.to().endsWith(".device") && !waited.containsKey(edge.to())) {
                Optional<Obstacle> obstacle = Devices.obstacle(subject, edge.to());
                if (obstacle.isPresent()) {
                    findings.add(
                            edge.kind() == Kind.BINDS_TO,
                            CauseCode.UNIT_WAITS_FOR_DEVICE,
                            edge.file(),
                            edge.line(),
                            subject.whose() + " " + edge.words() + " " + edge.to() + ", which "
                                    + obstacle.get().text() + ".",
                            obstacle.get().remedy());
                }
            }
        }
    }

    /** A target that nothing gives a meaning to. */
    private void network(Map<String, Edge> waited) throws IOException {
        Edge asked = plan.edges(unit.name()).stream()
                .filter(edge -> edge.to().equals(NETWORK) && edge.line() > 0)
                .findFirst()
                .orElse(null);
        if (asked == null) {
            return;
        }
        if (!waited.containsKey(NETWORK)) {
            if (asked.kind() == Kind.AFTER && !plan.starts(NETWORK)) {
                findings.warning(
                        CauseCode.UNIT_WAITS_FOR_TARGET,
                        asked.file(),
                        asked.line(),
                        subject.whose() + " starts after " + NETWORK
                                + ", which nothing in this boot starts: it does not wait for the network.",
                        "Remove the line, or add Wants=" + NETWORK + ".");
            }
            return;
        }
        for (Edge edge : plan.waitsFor(NETWORK)) {
            if (edge.to().matches(".*(wait-online|networking|ifup|dhcpcd).*")) {
                return;
            }
        }
        findings.warning(
                CauseCode.UNIT_WAITS_FOR_TARGET,
                asked.file(),
                asked.line(),
                subject.whose() + " waits for " + NETWORK
                        + ", and no wait-online service is enabled that would hold it back: it is reached whether there is a network or not.",
                "Remove the dependency (the initramfs sets the address), or enable what waits for the network.");
    }
}
