package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.Programs.Use;
import dev.sallyport.image.verify.elf.Architecture;
import dev.sallyport.image.verify.elf.ElfException;
import dev.sallyport.image.verify.elf.ElfFile;
import dev.sallyport.image.verify.systemd.BootPlan;
import dev.sallyport.image.verify.systemd.Generators;
import dev.sallyport.image.verify.systemd.Unit;
import dev.sallyport.image.verify.systemd.Units;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Proves of a root file system, without booting and without mounting it, that units of it come up. */
public final class TreeVerifier {
    private static final String DEFAULT_TARGET = "default.target";
    private static final List<String> INITS = List.of("/sbin/init", "/etc/init", "/bin/init", "/bin/sh");

    private final Tree tree;
    private final Options options;
    private final Findings findings = new Findings();
    private final List<String> proven = new ArrayList<>();

    private TreeVerifier(Tree tree, Options options) {
        this.tree = tree;
        this.options = options;
    }

    /** Everything that is wrong with {@code tree}, errors first; empty when it is sound. */
    public static List<Finding> verify(Tree tree, Options options) {
        return report(tree, options).findings();
    }

    /** Everything that is wrong with {@code tree}, and what was proven of it. */
    public static Verification report(Tree tree, Options options) {
        return report(tree, options, Optional.empty());
    }

    /** @param type of our own images: what the machines of this type must hold besides */
    static Verification report(Tree tree, Options options, Optional<VmType> type) {
        long began = System.nanoTime();
        var verifier = new TreeVerifier(tree, options);
        try {
            verifier.all(type);
        } catch (IOException e) {
            verifier.findings.error(
                    CauseCode.IMAGE_UNSOUND,
                    "/",
                    0,
                    "The file system cannot be read: " + e.getMessage() + ".",
                    "Make it again.");
        }
        List<String> proven = verifier.findings.errors() == 0 ? verifier.proven : List.of();
        return new Verification(verifier.findings.sorted(), proven, Duration.ofNanos(System.nanoTime() - began));
    }

    private void all(Optional<VmType> type) throws IOException {
        Architecture architecture =
                options.architecture().isPresent() ? options.architecture().get() : detected();
        var accounts = new Accounts(tree);
        var programs = new Programs(tree, architecture, findings);
        init(programs);
        Units units = new Units(tree, words("systemd.mask="));
        Generators.run(tree, units, options.kernelArguments());
        var secrets = new SecretCheck(tree, accounts, options.ours(), findings);
        Optional<BootPlan> plan = plan(units);
        if (plan.isPresent()) {
            for (String name : options.units()) {
                Unit unit = units.load(name);
                unit(new Subject(tree, units, plan.get(), unit, name, accounts, programs, options, findings));
                secrets.environment(unit);
            }
            proven.add("the boot to " + plan.get().goal() + " starts "
                    + plan.get().started().size() + " units");
        }
        if (type.isPresent()) {
            new PartsCheck(tree, accounts, programs, findings).check(type.get());
        }
        int before = findings.count();
        secrets.check();
        if (findings.count() == before) {
            proven.add("nothing secret or of one machine alone was found in it");
        }
    }

    private void unit(Subject subject) throws IOException {
        var enabled = new EnabledCheck(subject);
        if (!enabled.loads()) {
            return;
        }
        int before = findings.errors();
        enabled.enabled();
        var waits = new WaitCheck(subject);
        waits.emergency();
        if (subject.unit().loaded()) {
            waits.check();
            if (subject.unit().type().equals("service")) {
                new SetupCheck(subject).check();
                new CommandCheck(subject).check();
                new PortCheck(subject).check();
            }
        }
        if (findings.errors() == before) {
            subject.plan()
                    .trigger(subject.unit().name())
                    .ifPresent(trigger -> proven.add(subject.name() + " is started by " + trigger));
            proven.add(subject.name() + " is there, is reached from "
                    + subject.plan().goal() + ", waits for nothing that does not come, and what it starts can run");
        }
    }

    private Set<String> words(String prefix) {
        Set<String> words = new LinkedHashSet<>();
        options.kernelArguments().stream()
                .filter(argument -> argument.startsWith(prefix))
                .forEach(argument -> words.add(argument.substring(prefix.length())));
        return words;
    }

    /** The goal that systemd takes from the kernel's command line (systemd(1), "Kernel Command Line"), or the default target. */
    private String goal() {
        String goal = DEFAULT_TARGET;
        for (String argument : options.kernelArguments()) {
            goal = switch (argument) {
                case "emergency", "-b" -> "emergency.target";
                case "rescue", "single", "s", "S", "1" -> "rescue.target";
                case "2", "3", "4" -> "multi-user.target";
                case "5" -> "graphical.target";
                default -> argument.startsWith("systemd.unit=") ? argument.substring("systemd.unit=".length()) : goal;
            };
        }
        return goal;
    }

    private Optional<BootPlan> plan(Units units) throws IOException {
        String name = goal();
        Unit goal = units.load(name);
        String path = goal.path().isEmpty() ? "/etc/systemd/system/" + name : goal.path();
        if (!goal.loaded()) {
            Optional<Entry> link = tree.findLink("/etc/systemd/system/" + name).or(() -> Optional.empty());
            String how = switch (goal.state()) {
                case MASKED -> "is masked";
                case BAD -> "is refused by systemd";
                default ->
                    link.isPresent() && link.get().kind() == Kind.LINK
                            ? "is a link to " + link.get().target() + ", where nothing is"
                            : "is not there";
            };
            findings.error(
                    CauseCode.DEFAULT_TARGET_MISSING,
                    path,
                    0,
                    "The default target " + how + ".",
                    "Point /etc/systemd/system/default.target at a target that is there.");
            for (String unit : options.units()) {
                if (units.load(unit).state() == Unit.State.MISSING
                        && units.dangling(unit).isEmpty()) {
                    findings.error(
                            CauseCode.AGENT_MISSING,
                            "/etc/systemd/system/" + unit,
                            0,
                            "The unit " + unit + " is missing.",
                            "Add the layer or package that holds it.");
                }
            }
            return Optional.empty();
        }
        List<String> goals = new ArrayList<>(List.of(name));
        goals.addAll(words("systemd.wants="));
        BootPlan plan = BootPlan.of(units, goals);
        if (!plan.starts(goal.name())) {
            var edge = plan.broken(goal.name());
            findings.error(
                    CauseCode.DEFAULT_TARGET_MISSING,
                    edge.map(one -> one.file()).orElse(path),
                    edge.map(one -> one.line()).orElse(0),
                    "The default target " + goal.name() + " requires "
                            + edge.map(one -> one.to()).orElse("a unit") + ", which cannot be started.",
                    "Remove the requirement, or mend that unit.");
            return Optional.empty();
        }
        return Optional.of(plan);
    }

    /** What the kernel starts first. */
    private void init(Programs programs) throws IOException {
        List<String> said = options.kernelArguments().stream()
                .filter(argument -> argument.startsWith("init="))
                .map(argument -> argument.substring("init=".length()))
                .toList();
        String init = said.isEmpty() ? INITS.getFirst() : said.getLast();
        if (tree.find(init).isEmpty()) {
            Optional<Entry> link = tree.findLink(init);
            findings.error(
                    CauseCode.INIT_MISSING,
                    init,
                    0,
                    link.isPresent() && link.get().kind() == Kind.LINK
                            ? "The first program is a link to " + link.get().target() + ", where nothing is."
                            : "The first program that the kernel starts is not there.",
                    "Add the package systemd-sysv, or link " + init + " to systemd.");
            return;
        }
        programs.check(init, Use.plain("The kernel", init, 0));
    }

    /** The architecture of the tree's own first programs. */
    private Architecture detected() throws IOException {
        for (String path : INITS) {
            Optional<Entry> program = tree.find(path);
            Optional<Architecture> found = program.isPresent() ? architecture(program.get()) : Optional.empty();
            if (found.isPresent()) {
                return found.get();
            }
        }
        return Architecture.X86_64;
    }

    /** Nothing for a script or a damaged program, which is told where it is checked. */
    private static Optional<Architecture> architecture(Entry program) throws IOException {
        try {
            return program.kind() == Kind.FILE
                    ? Optional.of(ElfFile.read(program).architecture())
                    : Optional.empty();
        } catch (ElfException e) {
            return Optional.empty();
        }
    }
}
