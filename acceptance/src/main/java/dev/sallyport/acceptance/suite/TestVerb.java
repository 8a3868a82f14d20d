package dev.sallyport.acceptance.suite;

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;

import dev.sallyport.cli.Images;
import dev.sallyport.cli.Progress;
import dev.sallyport.cli.Verb;
import dev.sallyport.model.Folders;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./sallyport test}: runs the suites and closes with {@code N passed, M failed}. */
@Command(
        name = "test",
        mixinStandardHelpOptions = true,
        description = "Runs the tests, all suites or those named, and closes with 'N passed, M failed'.")
public final class TestVerb implements Verb {
    @Parameters(
            arity = "0..*",
            paramLabel = "NAME",
            description = "suites: unit, contract, tools, signin, refusals, faults, crash")
    private List<String> names = List.of();

    @Option(names = "--only", paramLabel = "CLASS", description = "only test classes whose full name holds this text")
    private String only = "";

    @Option(
            names = "--fault",
            paramLabel = "PATTERN",
            description = "of the fault suite, only faults whose name has this regular expression")
    private String fault = "";

    @Option(names = "--full", description = "also what is exhaustive and long")
    private boolean full;

    @Option(names = "--seed", description = "seed of random inputs and of what rotates (default: a fresh one)")
    private @Nullable Long seed;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Set<Suite> suites = suites();
        long usedSeed = seed == null ? ThreadLocalRandom.current().nextInt(1_000_000) : seed;
        System.setProperty("sallyport.test.seed", Long.toString(usedSeed));
        System.setProperty("sallyport.test.fault", fault);
        System.setProperty("sallyport.test.full", Boolean.toString(full));
        PrintStream out = System.out;
        out.println("Seed " + usedSeed + " (run again with --seed " + usedSeed + ")");
        long started = System.nanoTime();
        Folders folders = Folders.ofThisProcess();
        if (suites.stream().anyMatch(Suite::needsImages)) {
            Images.ensure(folders, Progress.onStandardError());
        }
        // What the parts under test log belongs in a file; what they say on standard output would be a defect.
        Path log = Files.createDirectories(folders.home().resolve("target")).resolve("test.log");
        System.setErr(new PrintStream(Files.newOutputStream(log), true, StandardCharsets.UTF_8));
        var reporter = new Reporter(out);
        for (Suite suite : suites) {
            out.println();
            out.println(suite.word() + ": " + suite.about());
            LauncherFactory.create().execute(request(suite), reporter);
        }
        out.println();
        Arrays.stream(Suite.values())
                .filter(suite -> names.isEmpty() && !suites.contains(suite))
                .forEach(suite -> out.println("not run, since it is long: " + suite.word() + " (" + suite.about()
                        + "); name it, or give --full"));
        reporter.skips().forEach(skip -> out.println("skipped: " + skip));
        reporter.failures().forEach(failure -> out.println("failed: " + failure));
        out.println("What was logged is in " + log);
        out.println("All of it took " + Progress.duration((System.nanoTime() - started) / 1_000_000));
        out.println(reporter.passed() + " passed, " + reporter.failures().size() + " failed"
                + (reporter.skips().isEmpty() ? "" : ", " + reporter.skips().size() + " skipped"));
        // No test at all is no success.
        return reporter.failures().isEmpty() && reporter.passed() > 0 ? 0 : 1;
    }

    private Set<Suite> suites() {
        if (names.isEmpty()) {
            return Arrays.stream(Suite.values())
                    .filter(suite -> full || !suite.isLong())
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        }
        return names.stream()
                .map(name -> Suite.ofWord(name)
                        .orElseThrow(() -> new picocli.CommandLine.ParameterException(
                                new picocli.CommandLine(this),
                                "there is no suite '" + name + "'; there are "
                                        + Arrays.stream(Suite.values())
                                                .map(Suite::word)
                                                .collect(Collectors.joining(", ")))))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private LauncherDiscoveryRequest request(Suite suite) {
        LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClasspathRoots(testClasses()))
                .filters(TagFilter.includeTags(suite.tags()))
                .filters(includeClassNamePatterns(suite.classNames()));
        if (!only.isEmpty()) {
            request.filters(includeClassNamePatterns(".*" + java.util.regex.Pattern.quote(only) + ".*"));
        }
        return request.build();
    }

    /** The folders of test classes on the class path, where the launcher put them. */
    private static Set<Path> testClasses() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .filter(path -> path.endsWith("test-classes") && Files.isDirectory(path))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }
}
