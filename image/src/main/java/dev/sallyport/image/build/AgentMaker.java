package dev.sallyport.image.build;

import dev.sallyport.image.recipe.LayerRecipe.Agent;
import dev.sallyport.image.recipe.LayerRecipe.FileRecipe;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes the agent's layer: a Java runtime with the modules that it needs, its jars, and the JVM's cache of what a run of it loads
 * and links (JEP 483, JEP 514), which is recorded by a run on this host.
 *
 * <p>The JVM takes the cache only with the same runtime, flags, jars, order of jars, and times of the jars. The folder's path may
 * differ, which is how it can be recorded here and used in a machine.
 */
final class AgentMaker {
    private static final Duration AT_MOST = Duration.ofMinutes(5);

    private AgentMaker() {}

    /** The agent's jars, in the order of the class path. */
    static List<Path> jars(Path folder) throws IOException {
        List<Path> jars = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, "*.jar")) {
                found.forEach(jars::add);
            }
        }
        jars.sort(null);
        if (jars.isEmpty()) {
            throw FailureException.of(
                    CauseCode.IMAGE_BUILD_FAILED, "The agent has not been built: there is no jar in " + folder + ".");
        }
        return jars;
    }

    /** Links a runtime, as an archive that is unpacked for each new agent: linking takes longer than all of the rest. */
    static Path runtime(Agent recipe, Path javaHome, Making making) throws InterruptedException {
        Path runtime = making.folder().resolve("runtime");
        making.progress().running("linking a Java runtime", 10, -1);
        making.commands()
                .run(new Commands.Command(
                        List.of(
                                javaHome.resolve("bin/jlink").toString(),
                                "-J-XX:-UsePerfData",
                                "-J" + temporary(making),
                                "--add-modules",
                                String.join(",", recipe.modules()),
                                "--strip-debug",
                                "--no-header-files",
                                "--no-man-pages",
                                "--compress",
                                "zip-6",
                                "--output",
                                runtime.toString()),
                        AT_MOST));
        making.progress().running("packing the runtime", 80, -1);
        Path tar = making.folder().resolve("runtime.tar");
        making.commands()
                .run(new Commands.Command(
                        List.of(
                                "tar",
                                "--create",
                                "--file=" + tar,
                                "--sort=name",
                                "--owner=0",
                                "--group=0",
                                "--numeric-owner",
                                "--mtime=@" + Erofs.TIME,
                                "--directory=" + runtime,
                                "."),
                        AT_MOST));
        return tar;
    }

    static Path make(Agent recipe, List<Path> jars, Path runtimeTar, String key, Making making)
            throws IOException, InterruptedException {
        Path root = making.folder().resolve("root");
        Path home = Files.createDirectories(root.resolve(recipe.to().substring(1)));
        making.progress().running("copying the agent", 10, -1);
        Path runtime = Files.createDirectories(home.resolve("runtime"));
        making.commands()
                .run(new Commands.Command(
                        List.of(
                                "tar",
                                "--extract",
                                "--file=" + runtimeTar,
                                "--no-same-owner",
                                "--directory=" + runtime),
                        AT_MOST));
        Path app = Files.createDirectories(home.resolve("app"));
        for (Path jar : jars) {
            Path copy = app.resolve(jar.getFileName().toString());
            Files.copy(jar, copy);
            Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
        }
        writeStart(recipe, jars, home);
        writeFiles(recipe, root);
        setTimes(root);
        making.progress().running("recording the AOT cache", 30, -1);
        record(recipe, jars, home, making);
        making.progress().running("writing the layer", 80, -1);
        Path layer = making.folder().resolve("layer.erofs");
        making.commands().run(new Commands.Command(Erofs.ofFolder(key, root, layer), AT_MOST));
        return layer;
    }

    private static void record(Agent recipe, List<Path> jars, Path home, Making making)
            throws IOException, InterruptedException {
        List<String> training =
                new ArrayList<>(List.of(home.resolve("runtime/bin/java").toString()));
        training.addAll(recipe.flags());
        // Only errors: the JVM's warnings about what it leaves out would bury what the agent says when it fails.
        training.addAll(List.of(
                "-Xlog:disable",
                "-Xlog:all=error:stderr",
                temporary(making),
                "-XX:AOTCacheOutput=" + home.resolve("app/agent.aot"),
                "-cp",
                classPath(jars, home.toString()),
                recipe.mainClass(),
                "--train"));
        making.commands().run(new Commands.Command(training, AT_MOST));
        // A JVM that does not take the cache starts without a word, only slower. Asked to insist, it says so; under
        // another path,
        // as in a machine.
        making.progress().running("checking the AOT cache", 70, -1);
        Path elsewhere = Files.createDirectories(making.folder().resolve("elsewhere/a"));
        Path moved = elsewhere.resolve("b");
        Files.move(home, moved);
        List<String> check =
                new ArrayList<>(List.of(moved.resolve("runtime/bin/java").toString()));
        check.addAll(recipe.flags());
        check.addAll(List.of(
                "-XX:AOTMode=on",
                "-XX:AOTCache=" + moved.resolve("app/agent.aot"),
                "-cp",
                classPath(jars, moved.toString()),
                "-version"));
        making.commands().run(new Commands.Command(check, AT_MOST));
        Files.move(moved, home);
    }

    /** A JVM has no regard for TMPDIR; what it leaves when it is killed goes with the workspace. */
    private static String temporary(Making making) {
        return "-Djava.io.tmpdir=" + making.folder();
    }

    private static String classPath(List<Path> jars, String home) {
        return jars.stream().map(jar -> home + "/app/" + jar.getFileName()).collect(Collectors.joining(":"));
    }

    private static void writeStart(Agent recipe, List<Path> jars, Path home) throws IOException {
        String start = "#!/bin/sh\n"
                + "# Starts the agent. Flags and class path are those that its AOT cache was recorded with.\n"
                + "exec " + recipe.to() + "/runtime/bin/java " + String.join(" ", recipe.flags())
                + " \\\n  -XX:AOTCache=" + recipe.to() + "/app/agent.aot"
                + " \\\n  -cp " + classPath(jars, recipe.to())
                + " \\\n  " + recipe.mainClass() + " \"$@\"\n";
        Path file = Files.createDirectories(home.resolve("bin")).resolve("agent");
        Files.writeString(file, start);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static void writeFiles(Agent recipe, Path root) throws IOException {
        for (FileRecipe recipeFile : recipe.files()) {
            Path file = below(root, recipeFile.path());
            Files.writeString(file, recipeFile.content());
            Files.setPosixFilePermissions(file, Modes.of(recipeFile.mode()));
        }
        for (Map.Entry<String, String> link : recipe.links().entrySet()) {
            Files.createSymbolicLink(below(root, link.getKey()), Path.of(link.getValue()));
        }
    }

    private static Path below(Path root, String path) throws IOException {
        Path file = root.resolve(path.substring(1));
        Path folder = file.getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        return file;
    }

    private static void setTimes(Path root) throws IOException {
        var time = FileTime.from(Instant.ofEpochSecond(Erofs.TIME));
        List<Path> all;
        try (Stream<Path> walk = Files.walk(root)) {
            all = walk.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
                    .toList();
        }
        for (Path path : all) {
            Files.setLastModifiedTime(path, time);
        }
    }
}
