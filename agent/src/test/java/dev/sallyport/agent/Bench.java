package dev.sallyport.agent;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.model.Secret;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;

/** An agent on a plain host, with all its folders under one. */
public final class Bench implements AutoCloseable {
    public static final Secret TOKEN = Secret.of("the-token-of-this-test");

    private final Path folder;
    private final Agent agent;
    private final AgentClient client;

    /** Starts a CLI machine's agent. */
    public Bench(Path folder) throws IOException {
        this.folder = folder;
        Files.createDirectories(folder.resolve("home/workspace"));
        Files.createDirectories(folder.resolve("tools/tool/bin"));
        agent = new Agent(settings(folder, Map.of()), facts(VmType.CLI), new Log(System.err));
        client = new AgentClient(agent.httpAddress(), agent.streamAddress(), TOKEN);
    }

    public static Facts facts(VmType type) {
        return new Facts("m-bench", type, TOKEN.sha256(), "", "");
    }

    public static Settings settings(Path folder, Map<String, String> more) {
        Map<String, String> properties = new HashMap<>(Map.of(
                "root", folder.resolve("root").toString(),
                "run", folder.resolve("run").toString(),
                "home", folder.resolve("home").toString(),
                "desktopHome", folder.resolve("desktop").toString(),
                "tools", folder.resolve("tools").toString(),
                "policies", folder.resolve("policies").toString(),
                "bind", "127.0.0.1",
                "port", "0",
                "streamPort", "0",
                "switchUsers", "false"));
        properties.putAll(more);
        return Settings.of(name -> properties.get(name.substring("sallyport.".length())));
    }

    /** Puts a tool of that name where tools are. */
    public void tool(String name, String script) throws IOException {
        Path file = folder.resolve("tools/tool/bin").resolve(name);
        Files.writeString(file, script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    public AgentClient client() {
        return client;
    }

    public Agent agent() {
        return agent;
    }

    public Path home() {
        return folder.resolve("home");
    }

    public Path run() {
        return folder.resolve("run");
    }

    @Override
    public void close() throws IOException {
        client.close();
        agent.close();
    }
}
