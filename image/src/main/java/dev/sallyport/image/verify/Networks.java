package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree;
import dev.sallyport.image.tree.Tree.Entry;
import dev.sallyport.image.verify.elf.Globs;
import dev.sallyport.image.verify.systemd.Setting;
import dev.sallyport.image.verify.systemd.UnitFile;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** What the network managers of a tree are told to do with a machine's Ethernet interface. */
final class Networks {
    /** How an interface gets its address. */
    enum Address {
        /** No interface is managed at all. */
        NONE,
        STATIC,
        DHCP
    }

    /** @param file what says so; empty when nothing does */
    record Managed(Address address, String file) {}

    private static final Managed NOTHING = new Managed(Address.NONE, "");
    private static final int MAX_FILE = 64 << 10;
    private static final List<String> NAMES = List.of("eth0", "ens3", "enp0s2", "ens4");

    private Networks() {}

    /** Of systemd-networkd, whose files netplan may make at boot. */
    static Managed networkd(Tree tree) throws IOException {
        Managed planned = netplan(tree, "networkd");
        if (planned.address() != Address.NONE) {
            return planned;
        }
        Map<String, String> files = new TreeMap<>();
        for (String folder : List.of(
                "/etc/systemd/network",
                "/run/systemd/network",
                "/usr/local/lib/systemd/network",
                "/usr/lib/systemd/network",
                "/lib/systemd/network")) {
            for (String path : Globs.expand(tree, folder + "/*.network")) {
                files.putIfAbsent(path.substring(path.lastIndexOf('/') + 1), path);
            }
        }
        for (String path : files.values()) {
            Optional<Entry> file = tree.find(path);
            if (file.isEmpty() || file.get().kind() != Kind.FILE) {
                continue;
            }
            List<Setting> settings = settings(path, file.get().text(MAX_FILE));
            if (matches(settings)) {
                return new Managed(address(settings), path);
            }
        }
        return NOTHING;
    }

    /** A .network file has sections of its own: each is read as if it were known. */
    private static List<Setting> settings(String path, String text) {
        return List.of("Match", "Network", "Link", "Address").stream()
                .flatMap(section -> UnitFile.parse(path, section, text).settings().stream()
                        .filter(setting -> setting.section().equals(section)))
                .toList();
    }

    private static boolean matches(List<Setting> settings) {
        List<Setting> match = settings.stream()
                .filter(setting -> setting.section().equals("Match"))
                .toList();
        if (match.isEmpty()) {
            return false;
        }
        for (Setting setting : match) {
            String value = setting.value();
            boolean fits = switch (setting.key()) {
                case "Name" -> name(value);
                case "Type" -> value.contains("ether");
                case "Driver" -> value.contains("virtio") || value.equals("*");
                case "Virtualization" -> !value.matches("container|no|false|lxc.*|.*nspawn.*");
                case "Kind", "MACAddress", "PermanentMACAddress", "SSID", "WLANInterfaceType", "Host" ->
                    value.startsWith("!");
                default -> true;
            };
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    private static boolean name(String patterns) {
        for (String pattern : patterns.split("\\s+", -1)) {
            if (!pattern.startsWith("!") && NAMES.stream().anyMatch(name -> Globs.matches(pattern, name))) {
                return true;
            }
        }
        return false;
    }

    private static Address address(List<Setting> settings) {
        boolean dhcp = false;
        boolean fixed = false;
        for (Setting setting : settings) {
            switch (setting.key()) {
                case "Address" -> fixed = true;
                case "DHCP" -> dhcp = setting.value().matches("yes|true|1|on|ipv4|ipv6|both|v4|v6");
                case "Unmanaged" -> {
                    if (setting.value().matches("yes|true|1|on")) {
                        return Address.NONE;
                    }
                }
                default -> {
                    // Nothing that an address depends on.
                }
            }
        }
        return dhcp && !fixed ? Address.DHCP : Address.STATIC;
    }

    private static Managed netplan(Tree tree, String renderer) throws IOException {
        if (tree.find("/usr/sbin/netplan").isEmpty()) {
            return NOTHING;
        }
        for (String folder : List.of("/etc/netplan", "/usr/lib/netplan", "/lib/netplan")) {
            for (String path : Globs.expand(tree, folder + "/*.yaml")) {
                Optional<Entry> file = tree.find(path);
                String text = file.isPresent() && file.get().kind() == Kind.FILE
                        ? file.get().text(MAX_FILE)
                        : "";
                boolean mine = text.contains("renderer: NetworkManager") != renderer.equals("networkd");
                if (mine && text.contains("ethernets:")) {
                    boolean dhcp = text.matches("(?s).*dhcp[46]: *(true|yes).*");
                    return new Managed(dhcp && !text.contains("addresses:") ? Address.DHCP : Address.STATIC, path);
                }
            }
        }
        return NOTHING;
    }

    /** Of ifupdown: the interfaces that it raises at boot (interfaces(5)). */
    static Managed ifupdown(Tree tree, boolean hotplugged) throws IOException {
        Set<String> raised = new HashSet<>();
        Map<String, Managed> methods = new LinkedHashMap<>();
        interfaces(tree, "/etc/network/interfaces", hotplugged, raised, methods, new HashSet<>());
        Managed found = NOTHING;
        for (Map.Entry<String, Managed> method : methods.entrySet()) {
            if (raised.contains(method.getKey())
                    && !method.getKey().equals("lo")
                    && (found.address() != Address.DHCP)) {
                found = method.getValue();
            }
        }
        return found;
    }

    private static void interfaces(
            Tree tree,
            String path,
            boolean hotplugged,
            Set<String> raised,
            Map<String, Managed> methods,
            Set<String> read)
            throws IOException {
        Optional<Entry> file = tree.find(path);
        if (file.isEmpty() || file.get().kind() != Kind.FILE || !read.add(path) || read.size() > 100) {
            return;
        }
        for (String line : file.get().text(MAX_FILE).replace("\\\n", " ").split("\n", -1)) {
            String[] words = line.strip().split("\\s+", -1);
            switch (words[0]) {
                case "auto", "allow-auto" -> raised.addAll(List.of(words).subList(1, words.length));
                case "allow-hotplug" -> {
                    if (hotplugged) {
                        raised.addAll(List.of(words).subList(1, words.length));
                    }
                }
                case "iface" -> {
                    if (words.length >= 4) {
                        methods.putIfAbsent(
                                words[1], new Managed(words[3].equals("dhcp") ? Address.DHCP : Address.STATIC, path));
                    }
                }
                case "source", "source-directory" -> {
                    for (int i = 1; i < words.length; i++) {
                        String pattern = words[i].startsWith("/") ? words[i] : "/etc/network/" + words[i];
                        for (String included :
                                Globs.expand(tree, words[0].equals("source") ? pattern : pattern + "/*")) {
                            interfaces(tree, included, hotplugged, raised, methods, read);
                        }
                    }
                }
                default -> {
                    // An option of the stanza before.
                }
            }
        }
    }

    /** Of NetworkManager: the connections that are written down. */
    static Managed networkManager(Tree tree) throws IOException {
        Managed planned = netplan(tree, "NetworkManager");
        if (planned.address() != Address.NONE) {
            return planned;
        }
        for (String path : Globs.expand(tree, "/etc/NetworkManager/system-connections/*")) {
            Optional<Entry> file = tree.find(path);
            String text = file.isPresent() && file.get().kind() == Kind.FILE
                    ? file.get().text(MAX_FILE)
                    : "";
            if (text.matches("(?s).*type=(ethernet|802-3-ethernet).*")) {
                boolean dhcp = text.matches("(?s).*\\[ipv4\\][^\\[]*method=auto.*");
                return new Managed(dhcp ? Address.DHCP : Address.STATIC, path);
            }
        }
        return NOTHING;
    }
}
