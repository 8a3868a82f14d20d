package dev.sallyport.acceptance.crash;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.machine.ProcessIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Outside things of machines that the API does not list as alive. */
final class Strangers {
    private static final Pattern MARKER = Pattern.compile(ProcessIdentity.VARIABLE + "=[a-z-]*?(m-[a-z2-7]{12})");
    private static final Pattern TAP = Pattern.compile("spt([a-z2-7]{12})");

    private Strangers() {}

    /** Those that were there before and after the list of machines was read: each is of a machine that should not have it. */
    static Set<String> of(ApiClient api, Path data) throws IOException, InterruptedException {
        Set<String> before = things(data);
        Set<String> alive = ids(api, true);
        Set<String> known = ids(api, false);
        Set<String> strangers = things(data);
        strangers.retainAll(before);
        strangers.removeIf(thing -> alive.contains(machineOf(thing)));
        // Another controller on this host has interfaces of its own.
        strangers.removeIf(thing -> thing.startsWith("interface") && !known.contains(machineOf(thing)));
        // Hypervisors that wait for a start are no machines yet; there are as many as the controller says.
        Set<String> nobodys = strangers.stream()
                .map(Strangers::machineOf)
                .filter(id -> !known.contains(id))
                .collect(Collectors.toSet());
        if (nobodys.size() <= ControllerMetrics.of(api).sum("sallyport_standby_hypervisors")) {
            strangers.removeIf(thing -> nobodys.contains(machineOf(thing)));
        }
        return strangers;
    }

    private static String machineOf(String thing) {
        return thing.substring(thing.lastIndexOf(' ') + 1);
    }

    /** All of them, page by page. */
    private static Set<String> ids(ApiClient api, boolean alive) throws InterruptedException {
        Set<String> ids = new HashSet<>();
        String next = "";
        do {
            JsonNode page = api.get("/api/vm?limit=100&alive=" + alive + (next.isEmpty() ? "" : "&before=" + next));
            page.path("vms").forEach(machine -> ids.add(machine.path("vm_id").asText()));
            next = page.path("next").asText("");
        } while (!next.isEmpty() && !next.equals("null"));
        return ids;
    }

    /** Each with the machine's id as its last word. */
    private static Set<String> things(Path data) throws IOException {
        Set<String> found = new TreeSet<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                markerOf(process, data).ifPresent(id -> found.add("process " + id));
            }
        }
        try (DirectoryStream<Path> devices = Files.newDirectoryStream(Path.of("/sys/class/net"), "spt*")) {
            for (Path device : devices) {
                Matcher tap = TAP.matcher(device.getFileName().toString());
                if (tap.matches()) {
                    found.add("interface m-" + tap.group(1));
                }
            }
        }
        Path machines = data.resolve("machines");
        if (Files.isDirectory(machines)) {
            try (DirectoryStream<Path> folders = Files.newDirectoryStream(machines)) {
                folders.forEach(folder -> found.add("folder " + folder.getFileName()));
            }
        }
        return found;
    }

    /** Of processes that run in a machine's folder of ours. */
    private static java.util.Optional<String> markerOf(Path process, Path data) {
        try {
            if (List.of("Z", "X").contains(state(process))
                    || !Files.readSymbolicLink(process.resolve("cwd")).startsWith(data.toRealPath())) {
                return java.util.Optional.empty();
            }
            String environment =
                    new String(Files.readAllBytes(process.resolve("environ")), StandardCharsets.ISO_8859_1);
            Matcher marker = MARKER.matcher(environment);
            return marker.find() ? java.util.Optional.of(marker.group(1)) : java.util.Optional.empty();
        } catch (IOException e) {
            return java.util.Optional.empty(); // It ended while we looked.
        }
    }

    private static String state(Path process) throws IOException {
        String stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
        return stat.substring(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    }
}
