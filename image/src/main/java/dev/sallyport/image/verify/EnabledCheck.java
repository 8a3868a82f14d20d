package dev.sallyport.image.verify;

import dev.sallyport.image.verify.systemd.Setting;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.image.verify.systemd.UnitName;
import dev.sallyport.image.verify.systemd.UnitProblem;
import dev.sallyport.image.verify.systemd.Units.Link;
import dev.sallyport.image.verify.systemd.Units.LinkState;
import dev.sallyport.image.verify.systemd.Words;
import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Whether a unit is there, can be loaded, and is started by the boot. */
final class EnabledCheck {
    private final Subject subject;
    private final Unit unit;
    private final Findings findings;

    EnabledCheck(Subject subject) {
        this.subject = subject;
        this.unit = subject.unit();
        this.findings = subject.findings();
    }

    /** False when the unit is not there to be looked at further. */
    boolean loads() throws IOException {
        String whose = subject.whose();
        switch (unit.state()) {
            case MISSING -> missing(whose);
            case MASKED ->
                findings.error(
                        CauseCode.UNIT_MASKED,
                        unit.path(),
                        0,
                        whose + " is masked: this is "
                                + (unit.path().equals("systemd.mask=")
                                        ? "on the kernel's command line"
                                        : "a link to /dev/null, or empty")
                                + ".",
                        "Remove it.");
            case BAD -> {
                // The first one: systemd does not read on either, and others often follow from it.
                unit.fatal()
                        .ifPresent(problem -> findings.error(
                                CauseCode.UNIT_INVALID,
                                problem.file(),
                                problem.line(),
                                whose + " is refused by systemd: " + problem.text(),
                                "Correct the line."));
                warn();
            }
            case LOADED -> {
                warn();
                return true;
            }
        }
        return unit.state() == Unit.State.BAD;
    }

    private void warn() {
        for (UnitProblem problem : unit.problems()) {
            if (!problem.fatal()) {
                findings.warning(
                        CauseCode.UNIT_INVALID, problem.file(), problem.line(), problem.text(), "Correct the line.");
            }
        }
    }

    private void missing(String whose) throws IOException {
        Optional<String> dangling = subject.units().dangling(subject.name());
        List<Link> links = links();
        Optional<Link> leadsNowhere = links.stream()
                .filter(link -> link.state() == LinkState.DANGLING)
                .findFirst();
        if (dangling.isPresent() || leadsNowhere.isPresent()) {
            String path = dangling.orElseGet(() -> leadsNowhere.orElseThrow().path());
            findings.error(
                    CauseCode.UNIT_LINK_DANGLING,
                    path,
                    0,
                    whose + " is not there: this link leads to " + target(path) + ", where nothing is.",
                    "Add the unit's file, or point the link at it.");
            return;
        }
        findings.error(
                CauseCode.AGENT_MISSING, "/etc/systemd/system/" + subject.name(), 0, whose + " is missing.", alike());
    }

    private String target(String path) throws IOException {
        var link = subject.tree().findLink(path);
        return link.isPresent() ? link.get().target() : "a place";
    }

    private String alike() throws IOException {
        String stem = UnitName.stem(subject.name());
        for (String folder : List.of(
                "/etc/systemd/system",
                "/usr/lib/systemd/system",
                "/lib/systemd/system",
                "/usr/lib/systemd/user",
                "/etc/systemd/user",
                "/etc/systemd",
                "/opt/" + stem)) {
            for (String name : subject.tree().names(folder)) {
                boolean same = name.startsWith(stem) && !name.endsWith(".wants") && !name.endsWith(".d");
                if (same || (name.endsWith("agent.service") && subject.name().equals(Options.AGENT))) {
                    return "There is " + folder + "/" + name + ": is that what is meant (--unit NAME)?";
                }
            }
        }
        return "Add the layer or package that holds it.";
    }

    /** All links, under whatever unit, that name this one. */
    private List<Link> links() throws IOException {
        List<Link> links = new ArrayList<>();
        for (String owner : subject.units().linkedFrom()) {
            for (Link link : subject.units().links(subject.units().load(owner))) {
                if (unit.isCalled(link.name()) || link.name().equals(subject.name())) {
                    links.add(link);
                }
            }
            Unit loaded = subject.units().load(owner);
            if (!loaded.loaded()) {
                // Links of units that are not there count for nothing, and yet they were meant to enable it.
                for (String kind : List.of("wants", "requires")) {
                    for (String folder : List.of("/etc/systemd/system", "/usr/lib/systemd/system")) {
                        String path = folder + "/" + owner + "." + kind + "/" + subject.name();
                        var link = subject.tree().findLink(path);
                        if (link.isPresent()
                                && links.stream().noneMatch(one -> one.path().equals(path))) {
                            links.add(new Link(path, subject.name(), kind.equals("requires"), LinkState.OK, 0));
                        }
                    }
                }
            }
        }
        return links.stream().distinct().toList();
    }

    /** Whether the boot starts it. */
    void enabled() throws IOException {
        List<Link> links = links();
        if (subject.plan().starts(unit.name())) {
            for (Link link : links) {
                if (link.state() == LinkState.DANGLING) {
                    boolean alone = links.stream().noneMatch(one -> one.state() == LinkState.OK);
                    findings.add(
                            alone,
                            CauseCode.UNIT_LINK_DANGLING,
                            link.path(),
                            0,
                            "The link that enables " + name() + " leads nowhere: to " + target(link.path()) + ".",
                            "Point it at " + unit.path() + ".");
                }
            }
            return;
        }
        if (unit.state() == Unit.State.BAD
                || subject.plan().trigger(unit.name()).isPresent()) {
            return;
        }
        List<Link> good =
                links.stream().filter(link -> link.state() == LinkState.OK).toList();
        List<Link> nowhere = links.stream()
                .filter(link -> link.state() == LinkState.DANGLING)
                .toList();
        if (!good.isEmpty()) {
            notReached(good.getFirst());
        } else if (!nowhere.isEmpty()) {
            findings.error(
                    CauseCode.UNIT_LINK_DANGLING,
                    nowhere.getFirst().path(),
                    0,
                    "The link that enables " + name() + " leads nowhere: to "
                            + target(nowhere.getFirst().path()) + ".",
                    "Point it at " + unit.path() + ".");
        } else {
            notEnabled(links);
        }
    }

    private static String owner(Link link) {
        String folder = link.path().substring(0, link.path().lastIndexOf('/'));
        return folder.substring(folder.lastIndexOf('/') + 1).replaceFirst("\\.(wants|requires|upholds)$", "");
    }

    private void notReached(Link link) throws IOException {
        String owner = owner(link);
        Unit target = subject.units().load(owner);
        String why = switch (target.state()) {
            case MISSING -> "which is not there";
            case MASKED -> "which is masked";
            case BAD -> "which systemd refuses";
            case LOADED -> "which this boot to " + subject.plan().goal() + " never reaches";
        };
        findings.error(
                CauseCode.UNIT_TARGET_NOT_REACHED,
                link.path(),
                0,
                subject.whose() + " is enabled for " + owner + " alone, " + why + ".",
                "Enable it for " + subject.plan().goal() + ": link it into /etc/systemd/system/"
                        + subject.plan().goal() + ".wants/.");
    }

    private void notEnabled(List<Link> links) {
        Optional<Link> masked =
                links.stream().filter(link -> link.state() == LinkState.MASKED).findFirst();
        Optional<Link> copied =
                links.stream().filter(link -> link.state() == LinkState.NO_LINK).findFirst();
        if (masked.isPresent() || copied.isPresent()) {
            Link link = masked.orElseGet(copied::orElseThrow);
            findings.error(
                    CauseCode.UNIT_NOT_ENABLED,
                    link.path(),
                    0,
                    "What should enable " + name() + " is " + (masked.isPresent() ? "a link to /dev/null" : "no link")
                            + ", and systemd passes over it.",
                    "Make it a link to " + unit.path() + ".");
            return;
        }
        Optional<Setting> install = unit.settings().stream()
                .filter(setting -> setting.section().equals("Install")
                        && (setting.key().equals("WantedBy") || setting.key().equals("RequiredBy")))
                .findFirst();
        String target = install.flatMap(
                        setting -> Words.plain(setting.value()).stream().findFirst())
                .orElse(subject.plan().goal());
        findings.error(
                CauseCode.UNIT_NOT_ENABLED,
                unit.path(),
                install.map(Setting::line).orElse(0),
                subject.whose() + " is there, and nothing starts it"
                        + (install.isPresent()
                                ? ": its [Install] section is only what 'systemctl enable' would do."
                                : "."),
                "Link it: /etc/systemd/system/" + target + ".wants/" + unit.name() + " -> " + unit.path() + ".");
    }

    private String name() {
        return subject.name().equals(Options.AGENT) ? "the agent's unit" : subject.name();
    }
}
