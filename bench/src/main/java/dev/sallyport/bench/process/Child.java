package dev.sallyport.bench.process;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A JVM that this one started, with the options and the class path of this one. It is asked by lines on its standard input,
 * each answered by one line of JSON, see {@link ChildLoop}; it ends when that input does, so that it never outlives who started it.
 */
public final class Child implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Each machine costs the controller open files: it gets as many as this process may give. */
    private static final List<String> WITH_MANY_FILES =
            List.of("sh", "-c", "ulimit -n 1000000 2>/dev/null || ulimit -n $(ulimit -Hn); exec \"$@\"", "sh");

    private static final long PATIENCE_SECONDS = 120;

    private final String name;
    private final Process process;
    private final PrintStream in;
    private final BufferedReader out;
    private final Path log;
    private final JsonNode first;

    private Child(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
        in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        first = answer();
    }

    /**
     * Starts one and waits until it says that it is ready.
     *
     * @param name for people
     * @param main its main class
     * @param jvm options besides those of this JVM; the later count
     * @param log where its standard error goes
     * @param arguments of {@code main}
     * @throws FailureException when it does not come up
     */
    public static Child start(String name, Class<?> main, List<String> jvm, Path log, List<String> arguments)
            throws IOException {
        return start(name, main, jvm, Map.of(), log, arguments);
    }

    /** As {@link #start(String, Class, List, Path, List)}, with further variables in its environment. */
    public static Child start(
            String name,
            Class<?> main,
            List<String> jvm,
            Map<String, String> environment,
            Path log,
            List<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>(WITH_MANY_FILES);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("-X") || option.startsWith("--"))
                .forEach(command::add);
        command.addAll(jvm);
        command.addAll(List.of("-cp", absoluteClassPath(), main.getName()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment().putAll(environment);
        return new Child(name, builder.start(), log);
    }

    private static String absoluteClassPath() {
        List<String> absolute = new ArrayList<>();
        for (String part : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            absolute.add(Path.of(part).toAbsolutePath().toString());
        }
        return String.join(File.pathSeparator, absolute);
    }

    /** What it said when it was ready. */
    public JsonNode first() {
        return first;
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    /** Asks it, and waits for the answer. */
    public synchronized JsonNode ask(String line) {
        in.println(line);
        return answer();
    }

    /** Ends it the orderly way, and waits for it. */
    @Override
    public void close() {
        in.close();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new FailureException(failed("did not end within " + PATIENCE_SECONDS + " s"));
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private JsonNode answer() {
        try {
            String line = out.readLine();
            if (line == null) {
                throw new FailureException(failed("ended"));
            }
            JsonNode answer = JSON.readTree(line);
            if (answer.has(ChildLoop.ERROR)) {
                throw new FailureException(
                        failed("cannot answer: " + answer.path(ChildLoop.ERROR).asText()));
            }
            return answer;
        } catch (IOException e) {
            throw new FailureException(failed("did not answer with JSON"), e);
        }
    }

    private Cause failed(String how) {
        return Cause.of(
                CauseCode.UNKNOWN, "The benchmark's process '" + name + "' " + how + "; its log is " + log + ".");
    }
}
