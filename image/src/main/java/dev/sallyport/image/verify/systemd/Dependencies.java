package dev.sallyport.image.verify.systemd;

import dev.sallyport.image.verify.systemd.Edge.Kind;
import dev.sallyport.image.verify.systemd.Units.Link;
import dev.sallyport.image.verify.systemd.Units.LinkState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a unit depends on: what its files say, what links say, and what systemd implies (the sections "Implicit Dependencies" and
 * "Default Dependencies" of systemd.unit(5), .service(5), .socket(5), .timer(5), .path(5), .mount(5), .swap(5) and .target(5)).
 */
final class Dependencies {
    private static final Map<String, Kind> SAID = Map.of(
            "Requires", Kind.REQUIRES,
            "Requisite", Kind.REQUISITE,
            "BindsTo", Kind.BINDS_TO,
            "BindTo", Kind.BINDS_TO,
            "Wants", Kind.WANTS,
            "Upholds", Kind.WANTS,
            "After", Kind.AFTER);

    private static final Set<String> JOURNAL =
            Set.of("", "journal", "journal+console", "kmsg", "kmsg+console", "syslog", "syslog+console");
    private static final Set<String> NETWORK_FILE_SYSTEMS = Set.of(
            "nfs", "nfs4", "cifs", "smb3", "afs", "ceph", "glusterfs", "gfs2", "ocfs2", "ncpfs", "9p", "fuse.sshfs");

    /** What units of these types are ordered after unless they say otherwise. */
    private static final Map<String, Set<String>> EARLY = Map.of(
            "service", Set.of("sysinit.target", "basic.target"),
            "socket", Set.of("sysinit.target"),
            "timer", Set.of("sysinit.target"),
            "path", Set.of("sysinit.target"));

    private final Units units;
    private final Unit unit;
    private final List<Edge> edges = new ArrayList<>();
    private final List<Edge> before = new ArrayList<>();

    private Dependencies(Units units, Unit unit) {
        this.units = units;
        this.unit = unit;
    }

    /**
     * Of one unit.
     *
     * @param before takes those that other units have on it because it is ordered before them
     */
    static List<Edge> of(Units units, Unit unit, List<Edge> before) throws IOException {
        var dependencies = new Dependencies(units, unit);
        dependencies.said();
        dependencies.linked();
        dependencies.implied();
        before.addAll(dependencies.before);
        return dependencies.edges;
    }

    private void said() throws IOException {
        for (Setting setting : unit.settings()) {
            String section = setting.section();
            if (section.equals("Service") && setting.key().equals("Sockets")) {
                for (String name : Words.plain(setting.value())) {
                    edges.add(edge(Kind.WANTS, name, setting));
                    edges.add(edge(Kind.AFTER, name, setting));
                }
            }
            if (!section.equals("Unit")) {
                continue;
            }
            Kind kind = SAID.get(setting.key());
            for (String word : Words.plain(setting.value())) {
                String name = Specifiers.expand(word, unit.name());
                if (kind != null && UnitName.valid(name)) {
                    edges.add(edge(kind, name, setting));
                } else if (setting.key().equals("Before") && UnitName.valid(name)) {
                    before.add(new Edge(Kind.AFTER, name, unit.name(), setting.file(), setting.line()));
                } else if (setting.key().equals("RequiresMountsFor")) {
                    mountsFor(name, setting);
                }
            }
        }
    }

    /** The mounts that a path lies on, where there are units for them. */
    private void mountsFor(String path, Setting setting) throws IOException {
        for (String at = path; at.startsWith("/") && at.length() > 1; at = at.substring(0, at.lastIndexOf('/'))) {
            String mount = UnitName.escapePath(at) + ".mount";
            if (units.load(mount).loaded() && !unit.isCalled(mount)) {
                edges.add(edge(Kind.REQUIRES, mount, setting));
                edges.add(edge(Kind.AFTER, mount, setting));
            }
        }
    }

    private Edge edge(Kind kind, String to, Setting setting) {
        return new Edge(kind, unit.name(), to, setting.file(), setting.line());
    }

    private void linked() throws IOException {
        for (Link link : units.links(unit)) {
            // A link that leads nowhere counts: systemd goes by its name.
            if (link.state() == LinkState.OK || link.state() == LinkState.DANGLING) {
                Kind kind = link.required() ? Kind.REQUIRES : Kind.WANTS;
                edges.add(new Edge(kind, unit.name(), link.name(), link.path(), link.line()));
            }
        }
    }

    private void implied() throws IOException {
        boolean standard = unit.defaultDependencies();
        switch (unit.type()) {
            case "service" -> service(standard);
            case "socket" -> {
                early(standard);
                beforeTarget("sockets.target", standard);
                beforeTarget(triggered(units, unit), true);
            }
            case "timer" -> {
                early(standard);
                beforeTarget("timers.target", standard);
                if (!unit.all("Timer", "OnCalendar").isEmpty() && standard) {
                    after("time-sync.target");
                    after("time-set.target");
                }
                beforeTarget(triggered(units, unit), true);
            }
            case "path" -> {
                early(standard);
                beforeTarget("paths.target", standard);
                beforeTarget(triggered(units, unit), true);
            }
            case "mount" -> mount(standard);
            case "swap" -> {
                device(unit.value("Swap", "What"));
                beforeTarget("swap.target", standard);
            }
            case "target" -> target(standard);
            default -> {
                // Devices and slices have nothing that could hold a boot up.
            }
        }
    }

    private void service(boolean standard) throws IOException {
        early(standard);
        if (standard) {
            after("basic.target");
        }
        String type = unit.value("Service", "Type");
        if (type.equals("dbus")
                || (type.isEmpty() && !unit.value("Service", "BusName").isEmpty())) {
            imply(Kind.REQUIRES, "dbus.socket");
            after("dbus.socket");
        }
        if (logs()) {
            after("systemd-journald.socket");
        }
        if (unit.flag("Service", "PrivateTmp", false)) {
            after("systemd-tmpfiles-setup.service");
        }
        for (String key : List.of("WorkingDirectory", "RootDirectory")) {
            var setting = unit.last("Service", key);
            if (setting.isPresent() && setting.get().value().startsWith("/")) {
                mountsFor(setting.get().value(), setting.get());
            }
        }
        String socket = UnitName.stem(unit.name()) + ".socket";
        if (units.load(socket).loaded()) {
            imply(Kind.AFTER, socket);
        }
    }

    /** Output goes to the journal unless it is said otherwise; errors go where output goes. */
    private boolean logs() {
        String input = unit.value("Service", "StandardInput");
        String output = unit.value("Service", "StandardOutput");
        String errors = unit.value("Service", "StandardError");
        boolean inherited =
                (output.isEmpty() && (input.startsWith("tty") || input.equals("socket"))) || output.equals("inherit");
        return (!inherited && JOURNAL.contains(output)) || (!errors.isEmpty() && JOURNAL.contains(errors));
    }

    private void early(boolean standard) {
        if (standard) {
            imply(Kind.REQUIRES, "sysinit.target");
            after("sysinit.target");
        }
    }

    private void mount(boolean standard) throws IOException {
        String where = unit.value("Mount", "Where");
        String options = unit.value("Mount", "Options");
        device(unit.value("Mount", "What"));
        if (unit.name().equals("-.mount") || !standard || options.contains("x-initrd.mount")) {
            return;
        }
        boolean network = NETWORK_FILE_SYSTEMS.contains(unit.value("Mount", "Type"))
                || List.of(options.split(",")).contains("_netdev");
        if (network) {
            after("remote-fs-pre.target");
            after("network.target");
            imply(Kind.WANTS, "network-online.target");
            after("network-online.target");
            beforeTarget("remote-fs.target", !options.contains("nofail"));
        } else {
            after("local-fs-pre.target");
            beforeTarget("local-fs.target", !options.contains("nofail"));
        }
        String above = where.contains("/") ? where.substring(0, where.lastIndexOf('/')) : "";
        mountsFor(above, new Setting("Mount", "Where", where, unit.path(), unit.line()));
    }

    private void device(String what) {
        if (what.startsWith("/dev/")) {
            String device = UnitName.escapePath(what) + ".device";
            edges.add(new Edge(Kind.REQUIRES, unit.name(), device, unit.path(), whatLine()));
            edges.add(new Edge(Kind.AFTER, unit.name(), device, unit.path(), whatLine()));
        }
    }

    private int whatLine() {
        return unit.line() > 0
                ? unit.line()
                : unit.last(unit.ownSection(), "What").map(Setting::line).orElse(0);
    }

    /** A target waits for what it pulls in, unless that says otherwise. */
    private void target(boolean standard) throws IOException {
        if (!standard) {
            return;
        }
        for (Edge edge : List.copyOf(edges)) {
            if (edge.kind() == Kind.AFTER) {
                continue;
            }
            Unit other = units.load(edge.to());
            if (other.loaded() && other.defaultDependencies() && !orderedAfterMe(other)) {
                edges.add(new Edge(Kind.AFTER, unit.name(), other.name(), edge.file(), edge.line()));
            }
        }
    }

    /** An ordering that is there already, said or implied, is not turned round. */
    private boolean orderedAfterMe(Unit other) {
        if (other.defaultDependencies()
                && EARLY.getOrDefault(other.type(), Set.of()).stream().anyMatch(unit::isCalled)) {
            return true;
        }
        return other.settings().stream()
                        .filter(setting -> setting.section().equals("Unit")
                                && setting.key().equals("After"))
                        .flatMap(setting -> Words.plain(setting.value()).stream())
                        .anyMatch(unit::isCalled)
                || unit.settings().stream()
                        .filter(setting -> setting.section().equals("Unit")
                                && setting.key().equals("Before"))
                        .flatMap(setting -> Words.plain(setting.value()).stream())
                        .anyMatch(other::isCalled);
    }

    private void beforeTarget(String name, boolean when) {
        if (when && !name.isEmpty()) {
            before.add(new Edge(Kind.AFTER, name, unit.name(), unit.path(), 0));
        }
    }

    private void after(String name) {
        imply(Kind.AFTER, name);
    }

    private void imply(Kind kind, String name) {
        edges.add(new Edge(kind, unit.name(), name, unit.path(), 0));
    }

    /** The unit that a socket, timer or path starts later. */
    static String triggered(Units units, Unit unit) throws IOException {
        String section = unit.ownSection();
        String said = unit.value(section, unit.type().equals("socket") ? "Service" : "Unit");
        if (!said.isEmpty()) {
            return Specifiers.expand(said, unit.name());
        }
        boolean accepts = unit.type().equals("socket") && unit.flag(section, "Accept", false);
        String name = UnitName.stem(unit.name()) + (accepts ? "@" : "") + ".service";
        return accepts ? name : units.load(name).name();
    }
}
