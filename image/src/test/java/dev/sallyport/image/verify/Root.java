package dev.sallyport.image.verify;

import dev.sallyport.image.tree.FileTree;
import dev.sallyport.image.tree.Tree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A root file system in memory: a small sound one with systemd's usual targets and an agent, for tests to spoil. */
final class Root implements FileTree {
    static final String UNIT = "/etc/systemd/system/sallyport-agent.service";
    static final String WANTS = "/etc/systemd/system/multi-user.target.wants/sallyport-agent.service";
    static final String AGENT = "/opt/agent/bin/agent";
    static final String LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6";
    static final String LOADER = "/lib64/ld-linux-x86-64.so.2";

    private final List<Item> items = new ArrayList<>();

    private static final class Item {
        private final int number;
        private final Kind kind;
        private int mode;
        private long uid;
        private final byte[] content;
        private final Map<String, Item> children = new TreeMap<>();

        Item(int number, Kind kind, int mode, byte[] content) {
            this.number = number;
            this.kind = kind;
            this.mode = mode;
            this.content = content;
        }

        Node node() {
            return new Node(number, kind, mode, uid, uid, content.length, 0);
        }
    }

    Root() {
        items.add(new Item(0, Kind.FOLDER, 0755, new byte[0]));
    }

    /** A root whose agent comes up. */
    static Root sound() {
        Root root = new Root();
        String units = "/usr/lib/systemd/system/";
        root.link("/lib", "usr/lib")
                .link("/lib64", "usr/lib64")
                .link("/bin", "usr/bin")
                .link("/sbin", "usr/sbin");
        root.link("/usr/sbin/init", "../lib/systemd/systemd");
        root.program(
                "/usr/lib/systemd/systemd",
                Elves.program().needs("libc.so.6", "GLIBC_2.34").bytes());
        root.program(
                "/usr/bin/dash",
                Elves.program().needs("libc.so.6", "GLIBC_2.34").bytes());
        root.link("/usr/bin/sh", "dash");
        root.program(
                "/usr/bin/env", Elves.program().needs("libc.so.6", "GLIBC_2.34").bytes());
        root.program("/usr/lib64/ld-linux-x86-64.so.2", Elves.library().bytes());
        root.program(
                LIBC,
                Elves.library()
                        .defines("GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.36")
                        .bytes());
        root.text("/etc/passwd", "root:x:0:0::/root:/bin/sh\nagent:x:1000:1000::/home/agent:/bin/sh\n");
        root.text("/etc/group", "root:x:0:\nagent:x:1000:\n");
        root.text("/etc/shadow", "root:*:19000:0:99999:7:::\n");
        root.text("/etc/machine-id", "");
        root.link(units + "default.target", "graphical.target");
        root.text(units + "graphical.target", "[Unit]\nRequires=multi-user.target\nAfter=multi-user.target\n");
        root.text(units + "multi-user.target", "[Unit]\nRequires=basic.target\nAfter=basic.target\n");
        root.text(
                units + "basic.target",
                "[Unit]\nRequires=sysinit.target\nWants=sockets.target timers.target\nAfter=sysinit.target sockets.target\n");
        root.text(
                units + "sysinit.target",
                "[Unit]\nWants=local-fs.target swap.target\nAfter=local-fs.target swap.target\n");
        for (String name : List.of(
                "local-fs",
                "swap",
                "sockets",
                "timers",
                "network",
                "network-online",
                "time-sync",
                "time-set",
                "getty",
                "shutdown",
                "remote-fs")) {
            root.text(
                    units + name + ".target",
                    "[Unit]\nDescription=" + name + "\n" + (name.equals("local-fs") ? "DefaultDependencies=no\n" : ""));
        }
        root.text(
                units + "systemd-journald.socket",
                "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/systemd/journal/stdout\n");
        root.program(AGENT, "#!/bin/sh\nwhile true; do sleep 1; done\n");
        return root.unit("").link(WANTS, UNIT);
    }

    /** udev, as it is in a root that has it. */
    Root udev() {
        text(
                "/usr/lib/systemd/system/systemd-udevd.service",
                "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh -c true\n");
        link("/usr/lib/systemd/system/sysinit.target.wants/systemd-udevd.service", "../systemd-udevd.service");
        return text("/usr/lib/udev/rules.d/99-systemd.rules", "SUBSYSTEM==\"block\", TAG+=\"systemd\"\n");
    }

    /** What makes units of /etc/fstab. */
    Root fstab(String line) {
        program(
                "/usr/lib/systemd/system-generators/systemd-fstab-generator",
                Elves.program().bytes());
        return text("/etc/fstab", "# a table\n" + line + "\n");
    }

    /** The agent's unit, whose [Service] section holds {@code service} before its ExecStart. */
    Root unit(String service) {
        return unit("", service + "ExecStart=" + AGENT + "\n");
    }

    Root unit(String unit, String service) {
        return text(
                UNIT,
                "[Unit]\nDescription=agent\n" + unit + "\n[Service]\n" + service
                        + "\n[Install]\nWantedBy=multi-user.target\n");
    }

    Root service(String name, String text) {
        return text("/etc/systemd/system/" + name, text);
    }

    Root wanted(String by, String name) {
        return link("/etc/systemd/system/" + by + ".wants/" + name, "../" + name);
    }

    Root text(String path, String text) {
        return put(path, Kind.FILE, 0644, text.getBytes(StandardCharsets.UTF_8));
    }

    Root program(String path, String text) {
        return put(path, Kind.FILE, 0755, text.getBytes(StandardCharsets.UTF_8));
    }

    Root program(String path, byte[] content) {
        return put(path, Kind.FILE, 0755, content);
    }

    Root link(String path, String target) {
        return put(path, Kind.LINK, 0777, target.getBytes(StandardCharsets.UTF_8));
    }

    Root folder(String path) {
        item(path);
        return this;
    }

    Root mode(String path, int mode, long owner) {
        Item item = item(path);
        item.mode = mode;
        item.uid = owner;
        return this;
    }

    Root remove(String path) {
        int slash = path.lastIndexOf('/');
        if (item(path.substring(0, slash)).children.remove(path.substring(slash + 1)) == null) {
            throw new IllegalArgumentException("there was no " + path);
        }
        return this;
    }

    Tree tree() {
        return new Tree(List.of(this));
    }

    List<Finding> findings() {
        return TreeVerifier.verify(tree(), Options.foreign(List.of()));
    }

    List<Finding> findingsAsOurs(String... kernelArguments) {
        return TreeVerifier.verify(tree(), Options.ours(List.of(), List.of(kernelArguments)));
    }

    private Root put(String path, Kind kind, int mode, byte[] content) {
        int slash = path.lastIndexOf('/');
        Item item = new Item(items.size(), kind, mode, content);
        items.add(item);
        item(path.substring(0, slash)).children.put(path.substring(slash + 1), item);
        return this;
    }

    /** The item at a path without links; folders are made. */
    private Item item(String path) {
        Item at = items.getFirst();
        for (String name : Arrays.stream(path.split("/", -1))
                .filter(part -> !part.isEmpty())
                .toList()) {
            Item next = at.children.get(name);
            if (next == null) {
                next = new Item(items.size(), Kind.FOLDER, 0755, new byte[0]);
                items.add(next);
                at.children.put(name, next);
            }
            at = next;
        }
        return at;
    }

    @Override
    public Node root() {
        return items.getFirst().node();
    }

    @Override
    public Map<String, Node> list(Node folder) {
        Map<String, Node> nodes = new LinkedHashMap<>();
        items.get((int) folder.number()).children.forEach((name, item) -> nodes.put(name, item.node()));
        return nodes;
    }

    @Override
    public byte[] read(Node file, long from, int atMost) throws IOException {
        byte[] content = items.get((int) file.number()).content;
        int start = (int) Math.min(from, content.length);
        return Arrays.copyOfRange(content, start, (int) Math.min(content.length, (long) start + atMost));
    }

    @Override
    public String target(Node link) {
        return new String(items.get((int) link.number()).content, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        // Nothing is open.
    }
}
