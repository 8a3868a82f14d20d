package dev.sallyport.cli.doctor;

import dev.sallyport.machine.Command;
import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What machines have left: processes that carry our marker, TAP devices, rules, folders; and whose they are. */
final class LeftoversCheck implements Check {
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final Pattern MARKER = Pattern.compile("[a-z]+-(m-[a-z2-7]{12})(?:-.*)?");
    private static final Pattern DEVICE = Pattern.compile("spt([a-z2-7]{12})");
    private static final String TABLE = "inet sallyport";

    /**
     * A thing that is there.
     *
     * @param what for people, such as {@code process 12 (qemu-m-…)}
     * @param machine the id of its machine; empty when it names none
     * @param remove how to remove it by hand
     */
    record Thing(String what, String machine, String remove) {}

    /**
     * What was seen.
     *
     * @param machines ids of the machines that have a folder in the data folder
     * @param processes those that carry our marker
     * @param devices TAP devices with our names
     * @param table whether the table with our rules is there; false when this user may not see it
     * @param holder the controller that works on the data folder, if one does
     */
    record Seen(
            List<String> machines,
            List<Thing> processes,
            List<Thing> devices,
            boolean table,
            Optional<Holder> holder) {}

    private final Folders folders;
    private final boolean root;

    LeftoversCheck(Folders folders, boolean root) {
        this.folders = folders;
        this.root = root;
    }

    @Override
    public String name() {
        return "leftovers";
    }

    @Override
    public List<Finding> look() throws IOException, InterruptedException {
        return judge(new Seen(
                machines(folders.data().resolve("machines")),
                processes(),
                devices(),
                root && hasTable(),
                Holder.of(folders.data())));
    }

    private static List<String> machines(Path folder) throws IOException {
        var found = new ArrayList<String>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> each = Files.newDirectoryStream(folder, "m-*")) {
                each.forEach(one -> found.add(String.valueOf(one.getFileName())));
            }
        }
        found.sort(Comparator.naturalOrder());
        return found;
    }

    private static List<Thing> processes() throws IOException {
        var found = new ArrayList<Thing>();
        try (DirectoryStream<Path> each = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : each) {
                long pid = Long.parseLong(String.valueOf(process.getFileName()));
                ProcessIdentity.of(pid).ifPresent(identity -> {
                    Matcher marker = MARKER.matcher(identity.marker());
                    found.add(new Thing(
                            "process " + pid + " (" + identity.marker() + ")",
                            marker.matches() ? marker.group(1) : "",
                            "kill " + pid));
                });
            }
        }
        return found;
    }

    private static List<Thing> devices() throws IOException {
        var found = new ArrayList<Thing>();
        try (DirectoryStream<Path> each = Files.newDirectoryStream(Path.of("/sys/class/net"), "spt*")) {
            for (Path device : each) {
                Matcher name = DEVICE.matcher(String.valueOf(device.getFileName()));
                if (name.matches()) {
                    found.add(new Thing(
                            "TAP device " + name.group(), "m-" + name.group(1), "ip link delete dev " + name.group()));
                }
            }
        }
        return found;
    }

    private static boolean hasTable() throws IOException, InterruptedException {
        return Command.find("nft").isPresent()
                && Command.run(DEADLINE, "", List.of("nft", "list", "table", "inet", "sallyport"))
                        .ok();
    }

    static List<Finding> judge(Seen seen) {
        var findings = new ArrayList<Finding>();
        Map<Boolean, List<Thing>> split = Stream.concat(seen.processes().stream(), seen.devices().stream())
                .collect(Collectors.partitioningBy(thing -> seen.machines().contains(thing.machine())));
        List<Thing> ours = split.getOrDefault(true, List.of());
        List<Thing> others = split.getOrDefault(false, List.of());
        String all = counted(seen.machines(), ours);
        if (seen.holder().isPresent()) {
            findings.add(Finding.ok("A controller works here (process "
                    + seen.holder().get().pid() + ")" + (all.isEmpty() ? "." : "; its own are " + all + ".")));
        } else if (!all.isEmpty()) {
            findings.add(Finding.warning(
                    "No controller works on this data folder, but " + all + (isOne(seen, ours) ? " is" : " are")
                            + " left of one that was killed.",
                    "The next start takes up or removes what it finds of them: './sallyport up'."));
        }
        if (!others.isEmpty()) {
            String remove = others.stream().map(Thing::remove).collect(Collectors.joining("; "));
            findings.add(Finding.warning(
                    names(others) + " carr" + (others.size() == 1 ? "ies" : "y")
                            + " Sallyport's name, but no machine of this data folder does.",
                    "Leave them when another controller runs on this host; otherwise: '" + remove + "'."));
        }
        if (seen.table() && seen.devices().isEmpty()) {
            findings.add(Finding.warning(
                    "The nft table '" + TABLE + "' is there, but no device that it guards.",
                    "Nothing: it goes with the next machine that ends. Or: 'nft delete table " + TABLE + "'."));
        }
        if (findings.isEmpty()) {
            findings.add(Finding.ok("Nothing is left of earlier machines."));
        }
        return findings;
    }

    private static boolean isOne(Seen seen, List<Thing> ours) {
        return seen.machines().size() + ours.size() == 1;
    }

    private static String counted(List<String> machines, List<Thing> ours) {
        var parts = new ArrayList<String>();
        if (!machines.isEmpty()) {
            parts.add(machines.size()
                    + (machines.size() == 1 ? " machine's folder (" : " machines' folders (")
                    + String.join(", ", machines.subList(0, Math.min(3, machines.size())))
                    + (machines.size() > 3 ? ", …)" : ")"));
        }
        if (!ours.isEmpty()) {
            parts.add(names(ours));
        }
        return String.join(", ", parts);
    }

    private static String names(List<Thing> things) {
        return things.stream().map(Thing::what).collect(Collectors.joining(", "));
    }
}
