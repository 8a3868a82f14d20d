package dev.sallyport.acceptance.suite;

import dev.sallyport.cli.Progress;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/** Counts tests and prints a line for each class, each failure and each skip with its reason. */
final class Reporter implements TestExecutionListener {
    private final PrintStream out;
    private final Map<String, Long> started = new ConcurrentHashMap<>();
    private final Map<String, Integer> inClass = new ConcurrentHashMap<>();
    private final List<String> failures = new ArrayList<>();
    private final List<String> skips = new ArrayList<>();
    private int passed;

    Reporter(PrintStream out) {
        this.out = out;
    }

    int passed() {
        return passed;
    }

    List<String> failures() {
        return List.copyOf(failures);
    }

    List<String> skips() {
        return List.copyOf(skips);
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        started.put(test.getUniqueId(), System.nanoTime());
    }

    @Override
    public synchronized void executionSkipped(TestIdentifier test, String reason) {
        skipped(test, reason);
    }

    @Override
    public synchronized void executionFinished(TestIdentifier test, TestExecutionResult result) {
        long millis = (System.nanoTime() - started.getOrDefault(test.getUniqueId(), System.nanoTime())) / 1_000_000;
        switch (result.getStatus()) {
            case SUCCESSFUL -> {
                if (test.isTest()) {
                    passed++;
                    inClass.merge(className(test), 1, Integer::sum);
                }
            }
            case ABORTED ->
                skipped(test, result.getThrowable().map(Throwable::getMessage).orElse("no reason given"));
            case FAILED -> failed(test, result.getThrowable().orElseGet(() -> new AssertionError("no reason given")));
        }
        if (test.getSource().orElse(null) instanceof ClassSource source && inClass.containsKey(source.getClassName())) {
            out.printf(
                    "  %-64s %3d passed  %s%n",
                    shortName(source.getClassName()), inClass.remove(source.getClassName()), Progress.duration(millis));
        } else if (test.isTest() && millis > 10_000) {
            out.printf("    %-62s %s%n", test.getDisplayName(), Progress.duration(millis));
        }
    }

    private void skipped(TestIdentifier test, String reason) {
        skips.add(name(test) + ": " + reason);
        out.println("  SKIPPED " + name(test) + ": " + reason);
    }

    private void failed(TestIdentifier test, Throwable thrown) {
        failures.add(name(test));
        out.println("  FAILED " + name(test));
        thrown.printStackTrace(out);
    }

    private static String name(TestIdentifier test) {
        return shortName(className(test)) + " " + test.getDisplayName();
    }

    private static String className(TestIdentifier test) {
        return switch (test.getSource().orElse(null)) {
            case MethodSource method -> method.getClassName();
            case ClassSource source -> source.getClassName();
            case null, default -> test.getUniqueId();
        };
    }

    private static String shortName(String className) {
        return className.startsWith("dev.sallyport.") ? className.substring("dev.sallyport.".length()) : className;
    }
}
