package dev.sallyport.agent.signin;

import dev.sallyport.agent.linux.Processes;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.provider.Provider;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Names why a sign-in fails, from the tool's words and from what this machine shows of it. */
final class Verdicts {
    private static final Path PROC = Path.of("/proc");
    private static final int PROXY_MS = 2_000;

    /** What a shell, env(1) and setpriv(1) exit with when a program cannot run, or is not there. */
    private static final List<Integer> CANNOT_RUN = List.of(126, 127);

    private final Provider provider;
    private final String proxy;
    private final Words words;
    private final ListeningPorts ports = new ListeningPorts(PROC);

    /**
     * On one provider's sign-in.
     *
     * @param proxy the machine's way out as {@code HOST:PORT}; empty when it has none
     * @throws java.util.regex.PatternSyntaxException when one of the provider's patterns is none
     */
    Verdicts(Provider provider, String proxy) {
        this.provider = provider;
        this.proxy = proxy;
        words = new Words(provider.signIn().failures(), proxy);
    }

    /**
     * Looks for the tool's program.
     *
     * @throws FailureException TOOL_MISSING, or TOOL_FAILED when it is there and may not be executed
     */
    static void needProgram(String program, @Nullable String searchPath) {
        if (Processes.find(program, searchPath).isPresent()) {
            return;
        }
        for (String folder : (searchPath == null ? "" : searchPath).split(":", -1)) {
            Path path = program.indexOf('/') >= 0 ? Path.of(program) : Path.of(folder, program);
            if (Files.isRegularFile(path)) {
                throw FailureException.of(
                        CauseCode.TOOL_FAILED, "Its program may not be executed.", path + ": Permission denied");
            }
            if (Files.isSymbolicLink(path)) {
                throw FailureException.of(
                        CauseCode.TOOL_MISSING, "Its program is a link that leads nowhere.", path.toString());
            }
        }
        throw FailureException.of(
                CauseCode.TOOL_MISSING, "There is no " + program + " in this machine.", "PATH=" + searchPath);
    }

    /** A program that is there and that the kernel does not start. */
    static FailureException cannotStart(String program, IOException e) {
        return FailureException.of(
                CauseCode.TOOL_FAILED, "Its program cannot run in this machine.", program + ": " + e.getMessage());
    }

    /**
     * Looks whether the tool can have a port for its callback.
     *
     * @throws FailureException CALLBACK_PORT_TAKEN when others hold all that it may listen on
     * @throws IOException when that cannot be seen
     */
    void needCallbackPort() throws IOException {
        List<Integer> wanted = provider.signIn().callback().ports();
        Map<Integer, String> taken = ports.taken(wanted);
        if (!wanted.isEmpty() && taken.keySet().containsAll(wanted)) {
            throw new FailureException(new Cause(
                    CauseCode.CALLBACK_PORT_TAKEN,
                    wanted.size() == 1
                            ? "It is port " + wanted.getFirst() + "."
                            : "All ports that it may listen on are held.",
                    holders(taken)));
        }
    }

    private static List<String> holders(Map<Integer, String> taken) {
        return taken.entrySet().stream()
                .map(entry -> "port " + entry.getKey() + " is held by " + entry.getValue())
                .toList();
    }

    /** What proves, while the tool still runs, that it cannot succeed. */
    Optional<Cause> certain(ToolOutput output) {
        return words.certain(output.text()).map(this::lookedInto);
    }

    /**
     * Why a tool failed that has ended.
     *
     * @param detail how it ended
     * @param urlSeen whether it had asked for a browser
     */
    Cause ended(int exitCode, String detail, ToolOutput output, boolean urlSeen) {
        String text = output.text();
        Optional<String> cannotRun = urlSeen ? Optional.empty() : Words.cannotRun(text);
        if (cannotRun.isPresent() || (!urlSeen && CANNOT_RUN.contains(exitCode))) {
            List<String> lines = output.lastLines();
            return new Cause(
                    CauseCode.TOOL_FAILED,
                    "Its program cannot run in this machine: it exited with " + exitCode + ".",
                    cannotRun.map(line -> Words.evidence(line, lines)).orElse(lines));
        }
        return words.why(text)
                .map(cause -> lookedInto(new Cause(cause.code(), detail, cause.evidence())))
                .orElseGet(() -> new Cause(CauseCode.TOOL_FAILED, detail, output.lastLines()));
    }

    /** Why a tool has not asked for a browser in time: by its words, else by what it is doing. */
    Cause noUrl(int leader, ToolOutput output) {
        String detail = "It was waited for for " + provider.signIn().urlSeconds() + " seconds.";
        List<String> doing = ProcessGlance.of(PROC, leader);
        Optional<Cause> said = words.why(output.text());
        List<String> lines = said.map(Cause::evidence).orElseGet(output::lastLines);
        // The words of a named cause begin with those that prove it; of others the last ones tell most.
        int room = Math.min(lines.size(), Cause.MAX_EVIDENCE - doing.size());
        List<String> kept =
                said.isPresent() ? lines.subList(0, room) : lines.subList(lines.size() - room, lines.size());
        List<String> evidence = Stream.concat(kept.stream(), doing.stream()).toList();
        return lookedInto(new Cause(said.map(Cause::code).orElse(CauseCode.URL_NOT_SHOWN), detail, evidence));
    }

    /** Why a sign-in failed whose callback carried an error. */
    static Cause refused(Cause callback, ToolOutput output) {
        return new Cause(
                callback.code(),
                callback.detail(),
                Words.evidence(callback.evidence().getFirst(), output.lastLines()));
    }

    /** A cause that this machine can say more about. */
    private Cause lookedInto(Cause cause) {
        if (cause.code() == CauseCode.UPSTREAM_UNREACHABLE && !proxy.isEmpty()) {
            return proxyFailure()
                    .map(line -> new Cause(
                            CauseCode.EGRESS_DOWN, cause.detail(), Words.evidence(line, cause.evidence())))
                    .orElse(cause);
        }
        if (cause.code() == CauseCode.CALLBACK_PORT_TAKEN) {
            List<String> evidence = new ArrayList<>(cause.evidence());
            try {
                evidence.addAll(
                        Math.min(1, evidence.size()),
                        holders(ports.taken(provider.signIn().callback().ports())));
            } catch (IOException e) {
                evidence.add("who holds the port cannot be seen: " + e.getMessage());
            }
            return new Cause(cause.code(), cause.detail(), evidence);
        }
        return cause;
    }

    /** Tries the machine's way out: many tools do not say what they could not connect to. */
    private Optional<String> proxyFailure() {
        int colon = proxy.lastIndexOf(':');
        String port = proxy.substring(colon + 1);
        if (colon < 1 || !port.matches("\\d{1,5}")) {
            return Optional.empty();
        }
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(proxy.substring(0, colon), Integer.parseInt(port)), PROXY_MS);
            return Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            return Optional.of("the machine's way out at " + proxy + ": " + e.getMessage());
        }
    }
}
