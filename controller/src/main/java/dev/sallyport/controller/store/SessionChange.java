package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import dev.sallyport.model.MachineId;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What changes in a session, and what its timeline is to say of it. Immutable; what is not named stays as it is.
 */
public final class SessionChange {
    private static final SessionChange NONE = new SessionChange(null, null, null, null, null, Map.of(), null);

    private final @Nullable String text;
    private final @Nullable MachineId browserMachine;
    private final @Nullable MachineId cliMachine;
    private final @Nullable Cause cause;
    private final @Nullable String proof;
    private final Map<String, String> details;
    private final @Nullable Long ifVersion;

    private SessionChange(
            @Nullable String text,
            @Nullable MachineId browserMachine,
            @Nullable MachineId cliMachine,
            @Nullable Cause cause,
            @Nullable String proof,
            Map<String, String> details,
            @Nullable Long ifVersion) {
        this.text = text;
        this.browserMachine = browserMachine;
        this.cliMachine = cliMachine;
        this.cause = cause;
        this.proof = proof;
        this.details = Map.copyOf(details);
        this.ifVersion = ifVersion;
    }

    /** Nothing but the status. */
    public static SessionChange none() {
        return NONE;
    }

    /** The sentence of the timeline's event. */
    public SessionChange saying(String sentence) {
        return new SessionChange(sentence, browserMachine, cliMachine, cause, proof, details, ifVersion);
    }

    /** The machine that the sign-in runs in. */
    public SessionChange browserMachine(MachineId machine) {
        return new SessionChange(text, machine, cliMachine, cause, proof, details, ifVersion);
    }

    /** The machine that the tool is to be used in. */
    public SessionChange cliMachine(MachineId machine) {
        return new SessionChange(text, browserMachine, machine, cause, proof, details, ifVersion);
    }

    /** Why it failed. */
    public SessionChange cause(Cause why) {
        return new SessionChange(text, browserMachine, cliMachine, why, proof, details, ifVersion);
    }

    /** What the tool in the CLI machine said; cut to 4000 characters. */
    public SessionChange proof(String words) {
        return new SessionChange(text, browserMachine, cliMachine, cause, words, details, ifVersion);
    }

    /** A further fact of the timeline's event; nothing secret. */
    public SessionChange detail(String name, String value) {
        Map<String, String> more = new HashMap<>(details);
        more.put(name, value);
        return new SessionChange(text, browserMachine, cliMachine, cause, proof, more, ifVersion);
    }

    /** Only if the session is still at this version; otherwise nothing is changed. */
    public SessionChange ifVersion(long expected) {
        return new SessionChange(text, browserMachine, cliMachine, cause, proof, details, expected);
    }

    @Nullable
    String text() {
        return text;
    }

    @Nullable
    MachineId browserMachine() {
        return browserMachine;
    }

    @Nullable
    MachineId cliMachine() {
        return cliMachine;
    }

    @Nullable
    Cause cause() {
        return cause;
    }

    @Nullable
    String proof() {
        return proof;
    }

    Map<String, String> details() {
        return details;
    }

    @Nullable
    Long ifVersion() {
        return ifVersion;
    }
}
