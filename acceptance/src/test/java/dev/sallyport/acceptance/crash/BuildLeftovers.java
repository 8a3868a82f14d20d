package dev.sallyport.acceptance.crash;

import dev.sallyport.image.journal.MarkedProcesses;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What builds of images have left that nobody knows of, in a cache in which nothing is being built. */
final class BuildLeftovers {
    private static final Pattern DIGEST = Pattern.compile("\"digest\" : \"([0-9a-f]{64})\"");

    private BuildLeftovers() {}

    /** The names of the builds that have a journal or a folder. */
    static Set<String> builds(Path cache) throws IOException {
        return names(cache.resolve("images/builds"));
    }

    /**
     * All that is left, for people.
     *
     * @param builds names of builds that are dead
     */
    static List<String> of(Path cache, Set<String> builds) throws IOException {
        List<String> left = new ArrayList<>();
        for (String build : builds(cache)) {
            left.add("build " + build);
        }
        for (String file : names(cache.resolve("images/work"))) {
            left.add("half a file " + file);
        }
        for (String file : names(cache.resolve("downloads/npm/_cacache/tmp"))) {
            left.add("npm's half a file " + file);
        }
        for (String build : builds) {
            Path outside = Path.of("/tmp/sallyport-build-" + build);
            if (Files.exists(outside)) {
                left.add("folder " + outside);
            }
        }
        keys(cache, left);
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                look(process, cache, builds, left);
            }
        }
        return left;
    }

    /** Each key has its file, and each file a key. */
    private static void keys(Path cache, List<String> left) throws IOException {
        Set<String> files = names(cache.resolve("images/files"));
        Set<String> known = new HashSet<>();
        for (String key : names(cache.resolve("images/keys"))) {
            Matcher digest =
                    DIGEST.matcher(Files.readString(cache.resolve("images/keys").resolve(key)));
            if (!digest.find() || !files.contains(digest.group(1))) {
                left.add("key without a file " + key);
            } else {
                known.add(digest.group(1));
            }
        }
        files.stream().filter(file -> !known.contains(file)).forEach(file -> left.add("file without a key " + file));
    }

    private static void look(Path process, Path cache, Set<String> builds, List<String> left) {
        if (process.getFileName()
                .toString()
                .equals(Long.toString(ProcessHandle.current().pid()))) {
            return;
        }
        try {
            String stat = read(process, "stat");
            if (stat.charAt(stat.lastIndexOf(')') + 2) == 'Z') {
                return;
            }
            String environment = read(process, "environ");
            String command = read(process, "cmdline").replace('\0', ' ');
            boolean marked = builds.stream()
                    .anyMatch(build -> environment.contains(MarkedProcesses.VARIABLE + "=" + build + "."));
            if (marked || command.contains(cache + "/images/")) {
                left.add("process " + process.getFileName() + " " + command);
            }
            if (read(process, "mountinfo").contains(" " + cache + "/images/")) {
                left.add("mount in the namespace of process " + process.getFileName() + " " + command);
            }
        } catch (IOException e) {
            // It ended while we looked.
            return;
        }
    }

    private static String read(Path process, String file) throws IOException {
        return new String(Files.readAllBytes(process.resolve(file)), StandardCharsets.ISO_8859_1);
    }

    private static Set<String> names(Path folder) throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return new TreeSet<>(list.map(path -> path.getFileName().toString()).toList());
        } catch (NoSuchFileException e) {
            return Set.of();
        }
    }
}
