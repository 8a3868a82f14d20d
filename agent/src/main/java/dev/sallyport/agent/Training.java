package dev.sallyport.agent;

import dev.sallyport.agent.http.Bearer;
import dev.sallyport.agent.http.StreamPort;
import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.AgentJson;
import dev.sallyport.agentapi.AskStatus;
import dev.sallyport.agentapi.Callback;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.ReleaseCredentials;
import dev.sallyport.agentapi.SignIn;
import dev.sallyport.agentapi.SignInState;
import dev.sallyport.agentapi.StartSignIn;
import dev.sallyport.agentapi.TakeCredentials;
import dev.sallyport.agentapi.WriteCredentials;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.provider.Provider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Does once, on loopback and in a temporary folder, what an agent does in a machine, so that the JVM's AOT cache (JEP 483, JEP
 * 515) knows the classes and methods that matter. The desktop's programs are none, as they may not be there where it is trained.
 */
final class Training {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static final byte[] WORD = {'R', 'F', 'B'};

    private Training() {}

    static void run(Log log) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("sallyport-train");
        try {
            exercise(folder, log);
        } finally {
            try (Stream<Path> all = Files.walk(folder)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    private static void exercise(Path folder, Log log) throws IOException, InterruptedException {
        Secret token = Secret.random(32);
        Path facts = Files.writeString(
                folder.resolve("facts"),
                "machine_id=train\nvm_type=browser\nproxy=127.0.0.1:9\ntoken_sha256=" + token.sha256() + "\n");
        Map<String, String> properties = Map.ofEntries(
                Map.entry("root", Files.createDirectory(folder.resolve("root")).toString()),
                Map.entry("run", folder.resolve("run").toString()),
                Map.entry("home", Files.createDirectory(folder.resolve("home")).toString()),
                Map.entry(
                        "desktopHome",
                        Files.createDirectory(folder.resolve("desktop")).toString()),
                Map.entry("tools", folder.resolve("tools").toString()),
                Map.entry("policies", folder.resolve("policies").toString()),
                Map.entry("display", "0"),
                Map.entry("xvnc", folder.resolve("none").toString()),
                Map.entry("bind", "127.0.0.1"),
                Map.entry("port", "0"),
                Map.entry("streamPort", "0"),
                Map.entry("switchUsers", "false"));
        Path tool = Files.createDirectories(folder.resolve("tools/train/bin")).resolve("train");
        Files.writeString(
                tool,
                "#!/bin/sh\numask 077\necho hello\n$BROWSER https://train.test/?a\nread code\necho \"{\\\"token\\\":\\\"$code\\\"}\" > $HOME/t.json\n");
        Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwx------"));
        Settings settings = Settings.of(name -> properties.get(name.substring("sallyport.".length())));
        var loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (var agent = new Agent(settings, Facts.read(facts), log);
                // The display's own socket has a name as long as this folder's, and those of Unix sockets are short.
                var screen = ServerSocketChannel.open().bind(loopback);
                var port = new StreamPort(
                        loopback,
                        Map.of(
                                "/screen",
                                new StreamPort.Stream("rfb", () -> SocketChannel.open(screen.getLocalAddress()))),
                        new Bearer(token::sha256),
                        new AgentJson(),
                        log);
                var client = new AgentClient(agent.httpAddress(), port.address(), token)) {
            signIn(client);
            lookAtScreen(client, screen);
        }
    }

    /** One that says a word to its viewer, is answered, and ends. */
    private static void lookAtScreen(AgentClient client, ServerSocketChannel screen) throws IOException {
        try (SocketChannel viewer = client.openScreen();
                SocketChannel shown = screen.accept()) {
            shown.write(ByteBuffer.wrap(WORD));
            readWord(viewer);
            viewer.write(ByteBuffer.wrap(WORD));
            readWord(shown);
        }
    }

    private static void readWord(SocketChannel from) throws IOException {
        var word = ByteBuffer.allocate(WORD.length);
        while (word.hasRemaining()) {
            if (from.read(word) < 0) {
                throw new IOException("the training's screen ended");
            }
        }
    }

    private static void signIn(AgentClient client) throws InterruptedException {
        client.health();
        client.vitals();
        for (Provider.Streams streams : Provider.Streams.values()) {
            Provider provider = provider(streams);
            String session = SessionId.random().value();
            SignIn now = client.startSignIn(new StartSignIn(session, provider));
            now = await(client, now, SignInState.AWAITING_USER);
            client.oauthUrl(session);
            client.callback(new Callback(session, "code"));
            await(client, now, SignInState.SUCCEEDED);
            client.credentialStatus(session);
            CredentialSet credentials = client.takeCredentials(new TakeCredentials(session));
            client.releaseCredentials(new ReleaseCredentials(session));
            client.writeCredentials(new WriteCredentials(provider, credentials));
            client.status(new AskStatus(provider));
        }
    }

    private static SignIn await(AgentClient client, SignIn from, SignInState state) throws InterruptedException {
        SignIn now = from;
        while (now.state().compareTo(state) < 0) {
            SignIn next = client.awaitSignIn(now.sessionId(), now.version(), LIMIT);
            if (next.version() == now.version()) {
                throw new IllegalStateException("the training's tool hangs");
            }
            now = next;
        }
        if (now.state() != state) {
            throw new IllegalStateException("the training's sign-in ended " + now);
        }
        return now;
    }

    private static Provider provider(Provider.Streams streams) {
        return new Provider(
                new ProviderId("train"),
                "Training",
                new Provider.Tool("tool-train", "1"),
                Map.of(),
                new Provider.SignIn(
                        List.of("train"),
                        streams,
                        List.of(),
                        "",
                        List.of(new Provider.SeedFile(".train/seed", "0600", "${home}")),
                        List.of(Provider.UrlSource.BROWSER_VARIABLE, Provider.UrlSource.OUTPUT),
                        "(https://\\S+)",
                        List.of("train.test"),
                        new Provider.Callback(List.of(1), "/", true),
                        new Provider.Success(0, ""),
                        30,
                        List.of(new Provider.Failure("^never$", CauseCode.TOOL_FAILED))),
                new Provider.Credentials(List.of(
                        new Provider.CredentialFile("t.json", "0600", Provider.Format.JSON, List.of("token"), false))),
                new Provider.HandOver(List.of()),
                new Provider.Status(List.of("train"), 0, ""),
                List.of());
    }
}
