package dev.sallyport.agent.credentials;

import dev.sallyport.agent.Tools;
import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.Child;
import dev.sallyport.agent.linux.HomeFolder;
import dev.sallyport.agent.linux.KernelRandom;
import dev.sallyport.agent.linux.Launch;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.agent.signin.Redaction;
import dev.sallyport.agent.signin.ToolOutput;
import dev.sallyport.agentapi.ToolStatus;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.provider.Provider;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.PatternSyntaxException;

/** Asks a tool, in the user's own home, whether it is signed in. */
public final class StatusCheck {
    /** Emulated machines take their time to load a tool of a few hundred megabytes. */
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private static final Duration GRACE = Duration.ofSeconds(1);

    /** Most characters of output told. */
    private static final int MAX_OUTPUT = 16 * 1024;

    private final Tools tools;
    private final Processes processes;
    private final CredentialFiles files;
    private final HomeFolder home;

    /** Checks in {@code home}. */
    public StatusCheck(Tools tools, Processes processes, CredentialFiles files, HomeFolder home) {
        this.tools = tools;
        this.processes = processes;
        this.files = files;
        this.home = home;
    }

    /**
     * Asks.
     *
     * @throws FailureException TOOL_MISSING, TOOL_FAILED when it does not end in time, BAD_REQUEST when the provider's pattern is none
     * @throws IOException when the tool cannot be started
     */
    public ToolStatus ask(Provider provider) throws IOException, InterruptedException {
        if (provider.status().command().isEmpty()) {
            CredentialFiles.Findings findings = files.look(provider, home);
            return new ToolStatus(
                    findings.complete(),
                    0,
                    findings.complete() ? "the credential files are complete" : String.join("\n", findings.problems()));
        }
        ToolOutput output;
        try {
            output = new ToolOutput("", provider.status().signedInPattern(), "", queries -> {});
        } catch (PatternSyntaxException e) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The provider's status pattern is no regular expression.");
        }
        int exitCode = run(provider, output);
        String text = Redaction.of(output.text());
        return new ToolStatus(
                exitCode == provider.status().signedInExitCode() && output.saidSuccess(),
                exitCode,
                text.substring(0, Math.min(text.length(), MAX_OUTPUT)));
    }

    private int run(Provider provider, ToolOutput output) throws IOException, InterruptedException {
        Map<String, String> environment = tools.environment(provider, home.path(), Optional.empty());
        String check = KernelRandom.uuid().toString();
        environment.put("SALLYPORT_CHECK", check);
        List<String> command = tools.command(provider.status().command(), home.path());
        if (Processes.find(command.getFirst(), environment.get("PATH")).isEmpty()) {
            throw FailureException.of(
                    CauseCode.TOOL_MISSING,
                    "There is no " + command.getFirst() + " in this machine.",
                    "PATH=" + environment.get("PATH"));
        }
        Child child = processes.start(
                new Launch(
                        Account.commandAs(tools.account(), command),
                        environment,
                        tools.directory(home.path()),
                        new Launch.Streams.Pipes()),
                output);
        try {
            child.closeInput();
            OptionalInt exitCode = child.awaitExit(LIMIT);
            if (exitCode.isEmpty()) {
                throw new FailureException(new dev.sallyport.model.Cause(
                        CauseCode.TOOL_FAILED,
                        "Its status command did not end within " + LIMIT.toSeconds() + " seconds.",
                        output.lastLines()));
            }
            child.awaitOutput(GRACE);
            return exitCode.getAsInt();
        } finally {
            child.endAll(GRACE, "SALLYPORT_CHECK=" + check);
        }
    }
}
