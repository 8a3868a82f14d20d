package dev.sallyport.image.verify;

import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.Networks.Address;
import dev.sallyport.image.verify.Networks.Managed;
import dev.sallyport.image.verify.systemd.ExecCommand;
import dev.sallyport.image.verify.systemd.ExecLines;
import dev.sallyport.image.verify.systemd.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Units of distributions that wait for something, and what each needs to end. To know one more is one more line of the table. */
final class KnownUnits {
    /**
     * Why a unit does not end.
     *
     * @param certain false when it depends on what is not known before a boot
     * @param text a clause behind the unit's name
     * @param remedy what to do
     */
    record Obstacle(boolean certain, String text, String remedy) {}

    /** What a unit needs. */
    private interface Need {
        Optional<Obstacle> unmet(Subject subject, Unit unit) throws IOException;
    }

    /** @param program a part of the command's name: another command, put there by a drop-in, does not wait; empty for any */
    private record Known(Pattern name, String program, Need need) {}

    private static final List<Known> TABLE = List.of(
            known("systemd-networkd-wait-online(@.*)?\\.service", "wait-online", KnownUnits::networkd),
            known("NetworkManager-wait-online\\.service", "nm-online", KnownUnits::networkManager),
            known("ifupdown-wait-online\\.service", "wait-online", (subject, unit) -> ifupdown(subject, true)),
            known("networking\\.service", "ifup", (subject, unit) -> ifupdown(subject, false)),
            known("ifup@.*\\.service", "ifup", (subject, unit) -> ifupdown(subject, true)),
            known(
                    "dhcpcd(@.*)?\\.service",
                    "dhcpcd",
                    (subject, unit) -> noDhcp(subject, "asks for an address by DHCP")),
            known(
                    "connman-wait-online\\.service",
                    "",
                    (subject, unit) -> noDhcp(subject, "waits until ConnMan has an address")),
            known("systemd-time-wait-sync\\.service", "", (subject, unit) -> noTime(subject)),
            known("(chrony-wait|ntp-wait|ntpsec-wait)\\.service", "", (subject, unit) -> noTime(subject)),
            known("systemd-firstboot\\.service", "firstboot", KnownUnits::firstBoot),
            known("cloud-(init-local|init|init-network|config|final|init-main)\\.service", "", KnownUnits::cloudInit),
            known("plymouth-quit-wait\\.service", "", KnownUnits::plymouth),
            known("snapd\\.seeded\\.service", "", (subject, unit) -> maybe("waits until snaps are installed")));

    private KnownUnits() {}

    private static Known known(String name, String program, Need need) {
        return new Known(Pattern.compile(name), program, need);
    }

    /** Why {@code unit}, which a boot starts, does not end soon; empty when nothing is known against it. */
    static Optional<Obstacle> obstacle(Subject subject, Unit unit) throws IOException {
        if (!unit.type().equals("service")) {
            return Optional.empty();
        }
        List<ExecCommand> commands = ExecLines.read(unit, "Service", "ExecStart", new ArrayList<>());
        if (unit.value("Service", "Type").equals("oneshot")) {
            for (ExecCommand command : commands) {
                if (command.program().matches("(.*/)?sleep")
                        && command.arguments().contains("infinity")) {
                    return Optional.of(new Obstacle(true, "sleeps for ever", "Remove the dependency."));
                }
            }
        }
        for (Known known : TABLE) {
            if (known.name().matcher(unit.name()).matches() && runs(commands, known.program())) {
                return known.need().unmet(subject, unit);
            }
        }
        return Optional.empty();
    }

    private static boolean runs(List<ExecCommand> commands, String program) {
        return program.isEmpty()
                || commands.stream().anyMatch(command -> command.program().contains(program));
    }

    private static Optional<Obstacle> networkd(Subject subject, Unit unit) throws IOException {
        Managed managed = Networks.networkd(subject.tree());
        return switch (managed.address()) {
            case NONE ->
                certain(
                        "waits for systemd-networkd to bring an interface up, which has no .network file for one: it gives up after 120 s",
                        "Disable systemd-networkd-wait-online.service, or remove the dependency on network-online.target.");
            case DHCP -> noDhcp(subject, "waits for an address by DHCP, as " + managed.file() + " has it");
            case STATIC -> Optional.empty();
        };
    }

    private static Optional<Obstacle> networkManager(Subject subject, Unit unit) throws IOException {
        Managed managed = Networks.networkManager(subject.tree());
        // Without a connection of its own it takes over the address that the interface has already.
        return managed.address() == Address.DHCP
                ? noDhcp(subject, "waits for an address by DHCP, as " + managed.file() + " has it")
                : Optional.empty();
    }

    private static Optional<Obstacle> ifupdown(Subject subject, boolean hotplugged) throws IOException {
        Managed managed = Networks.ifupdown(subject.tree(), hotplugged);
        return managed.address() == Address.DHCP
                ? noDhcp(subject, "waits for an address by DHCP, as " + managed.file() + " has it")
                : Optional.empty();
    }

    private static Optional<Obstacle> noDhcp(Subject subject, String what) {
        if (subject.options().dhcp()) {
            return Optional.empty();
        }
        return Optional.of(new Obstacle(
                subject.options().ours(),
                what
                        + (subject.options().ours()
                                ? ", and nothing answers DHCP in these machines"
                                : ", which not every network answers"),
                "Give the interface no DHCP (the initramfs has set its address), or remove the dependency."));
    }

    private static Optional<Obstacle> noTime(Subject subject) {
        return Optional.of(new Obstacle(
                subject.options().ours(),
                "waits until a time server has set the clock"
                        + (subject.options().ours() ? ", and these machines reach none" : ""),
                "Remove the dependency on time-sync.target, or disable that unit."));
    }

    private static Optional<Obstacle> firstBoot(Subject subject, Unit unit) throws IOException {
        if (subject.options().ours() || !unit.value("Service", "ExecStart").contains("--prompt")) {
            return Optional.empty();
        }
        Optional<Entry> id = subject.tree().find("/etc/machine-id");
        boolean first = id.isEmpty() || id.get().text(64).strip().equals("uninitialized");
        return first
                ? Optional.of(new Obstacle(
                        false,
                        "asks at the console for what is not set yet, since there is no /etc/machine-id and the boot counts as the first one",
                        "Add an empty /etc/machine-id, or mask systemd-firstboot.service."))
                : Optional.empty();
    }

    private static Optional<Obstacle> cloudInit(Subject subject, Unit unit) throws IOException {
        if (subject.tree().find("/etc/cloud/cloud-init.disabled").isPresent()) {
            return Optional.empty();
        }
        return maybe("looks for the data source of a cloud, which takes minutes where there is none");
    }

    private static Optional<Obstacle> plymouth(Subject subject, Unit unit) {
        return subject.plan().starts("plymouth-start.service")
                        && !subject.plan().starts("plymouth-quit.service")
                ? certain(
                        "waits until the splash screen ends, and nothing ends it",
                        "Enable plymouth-quit.service, or remove plymouth.")
                : Optional.empty();
    }

    private static Optional<Obstacle> certain(String text, String remedy) {
        return Optional.of(new Obstacle(true, text, remedy));
    }

    private static Optional<Obstacle> maybe(String text) {
        return Optional.of(new Obstacle(false, text, "Remove the dependency, or disable that unit."));
    }
}
