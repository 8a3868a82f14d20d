package dev.sallyport.bench.sessions;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.bench.BenchOptions;
import dev.sallyport.bench.process.Child;
import dev.sallyport.bench.process.ProcessFigures;
import dev.sallyport.cli.AdminTokenFile;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A controller and the agents of its machines, each in a process of its own, on a folder that goes when this is closed. */
final class Setup implements AutoCloseable {
    /** As a server that is to hold so many is started: with all of its heap, so that it is not collected more often to keep it small. */
    private static final List<String> HEAP = List.of("-Xms1g", "-Xmx1g");
    /** Ten thousand machines have as many doors, and a common limit of open files is twenty thousand. */
    private static final Map<String, String> SHARED_DOORS = Map.of("SALLYPORT_SHARED_DOORS", "1");

    private final Path folder;
    private final Path work;
    private final Child agents;
    private final Child controller;
    private final URI address;
    private final ApiClient admin;

    private Setup(Path folder, Path work, Child agents, Child controller) {
        this.folder = folder;
        this.work = work;
        this.agents = agents;
        this.controller = controller;
        this.address = URI.create(controller.first().path("address").asText());
        this.admin = new ApiClient(address, AdminTokenFile.read(folder.resolve("data")));
    }

    static Setup open(BenchOptions options) throws IOException {
        Path work = Files.createDirectories(options.work());
        // The database's user must be able to pass through.
        Path folder = Files.createTempDirectory("sallyport-bench");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        try {
            return open(folder, work);
        } catch (IOException | RuntimeException e) {
            remove(folder);
            throw e;
        }
    }

    private static Setup open(Path folder, Path work) throws IOException {
        Child agents = Child.start(
                "agents", AgentsProcess.class, List.of(), work.resolve("agents.log"), List.of(folder.toString()));
        try {
            Child controller = Child.start(
                    "controller",
                    ControllerProcess.class,
                    HEAP,
                    SHARED_DOORS,
                    work.resolve("controller.log"),
                    List.of(folder.toString(), agents.first().path("port").asText()));
            return new Setup(folder, work, agents, controller);
        } catch (IOException | RuntimeException e) {
            agents.close();
            throw e;
        }
    }

    /** The API with the admin token. */
    ApiClient admin() {
        return admin;
    }

    /** The API with a fresh token of {@code user}. */
    ApiClient user(String user) throws InterruptedException {
        return new ApiClient(
                address,
                Secret.of(admin.post("/api/tokens", Map.of("userId", user))
                        .path("secret")
                        .asText()));
    }

    /** How many sign-ins await their users, as their agents see it. */
    int awaiting() {
        return agents.ask("counts").path("awaiting").asInt();
    }

    /** The sessions that await their users. */
    List<String> sessions() {
        List<String> sessions = new ArrayList<>();
        agents.ask("sessions").path("sessions").forEach(one -> sessions.add(one.asText()));
        return sessions;
    }

    /** Lets a session's user finish. */
    void succeed(String session) {
        agents.ask("succeed " + session);
    }

    /** Asks the controller's process, see {@link ControllerProcess}. */
    JsonNode ask(String line) {
        return controller.ask(line);
    }

    /** What {@code /metrics} tells, by name with tags. */
    Map<String, Double> metrics() throws InterruptedException {
        Map<String, Double> metrics = new HashMap<>();
        admin.send("GET", "/metrics", null)
                .body()
                .asText()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .forEach(line -> metrics.put(
                        line.substring(0, line.lastIndexOf(' ')),
                        Double.valueOf(line.substring(line.lastIndexOf(' ') + 1))));
        return metrics;
    }

    /** What was used up to now; two of these make a {@link Level.Spent}. */
    record Used(long nanos, double controller, double database, double agents, long agentRequests, long transactions) {
        Level.Spent until(Used later) {
            double seconds = (later.nanos - nanos) / 1e9;
            return new Level.Spent(
                    (later.controller - controller) / seconds,
                    (later.database - database) / seconds,
                    (later.agents - agents) / seconds,
                    (later.agentRequests - agentRequests) / seconds,
                    (later.transactions - transactions) / seconds);
        }
    }

    Used used() {
        return new Used(
                System.nanoTime(),
                ProcessFigures.cpuSeconds(controller.pid()),
                database().stream().mapToDouble(ProcessFigures::cpuSeconds).sum(),
                ProcessFigures.cpuSeconds(agents.pid()),
                agents.ask("counts").path("requests").asLong(),
                controller.ask("transactions").path("committed").asLong());
    }

    Level.Memory memory() {
        long heap = controller.ask("memory").path("heap").asLong();
        List<Long> database = database();
        return new Level.Memory(
                heap,
                ProcessFigures.pss(controller.pid()),
                database.stream().mapToLong(ProcessFigures::pss).sum(),
                ProcessFigures.threads(controller.pid()),
                ProcessFigures.files(controller.pid()),
                database.stream()
                        .filter(pid -> ProcessFigures.commandLine(pid).startsWith("postgres: sallyport_app"))
                        .count());
    }

    /** Begins a flight recording of the controller. */
    void record() throws IOException, InterruptedException {
        jcmd("JFR.start", "name=bench", "settings=profile");
    }

    /** Ends it and keeps it as {@code sessions-NAME.jfr}. */
    void recorded(String name) throws IOException, InterruptedException {
        jcmd(
                "JFR.stop",
                "name=bench",
                "filename=" + work.resolve("sessions-" + name + ".jfr").toAbsolutePath());
    }

    private void jcmd(String... what) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), Long.toString(controller.pid())));
        command.addAll(List.of(what));
        int status = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("jcmd.log").toFile())
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("jcmd ended with " + status + "; see " + work.resolve("jcmd.log"));
        }
    }

    /** The database's processes are those that the controller has started. */
    private List<Long> database() {
        return ProcessHandle.of(controller.pid()).stream()
                .flatMap(ProcessHandle::descendants)
                .map(ProcessHandle::pid)
                .toList();
    }

    @Override
    public void close() throws IOException {
        admin.close();
        try (agents) {
            controller.close();
        }
        remove(folder);
    }

    private static void remove(Path folder) throws IOException {
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
