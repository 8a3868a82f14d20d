package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import dev.sallyport.model.MachineId;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What changes in a session, and what its timeline is to say of it. Immutable; what is not named stays as it is.
 */
public final class SessionChange {
    private static final SessionChange NONE =
            new SessionChange(null, null, null, null, null, Map.of(), null, null, null);

    private final @Nullable String text;
    private final @Nullable MachineId browserMachine;
    private final @Nullable MachineId cliMachine;
    private final @Nullable Cause cause;
    private final @Nullable String proof;
    private final Map<String, String> details;
    private final @Nullable Long ifVersion;
    private final @Nullable Instant expiresAt;
    private final @Nullable Long sealedVersion;

    private SessionChange(
            @Nullable String text,
            @Nullable MachineId browserMachine,
            @Nullable MachineId cliMachine,
            @Nullable Cause cause,
            @Nullable String proof,
            Map<String, String> details,
            @Nullable Long ifVersion,
            @Nullable Instant expiresAt,
            @Nullable Long sealedVersion) {
        this.text = text;
        this.browserMachine = browserMachine;
        this.cliMachine = cliMachine;
        this.cause = cause;
        this.proof = proof;
        this.details = Map.copyOf(details);
        this.ifVersion = ifVersion;
        this.expiresAt = expiresAt;
        this.sealedVersion = sealedVersion;
    }

    /** Nothing but the status. */
    public static SessionChange none() {
        return NONE;
    }

    /** The sentence of the timeline's event. */
    public SessionChange saying(String sentence) {
        return new SessionChange(
                sentence, browserMachine, cliMachine, cause, proof, details, ifVersion, expiresAt, sealedVersion);
    }

    /** The machine that the sign-in runs in. */
    public SessionChange browserMachine(MachineId machine) {
        return new SessionChange(text, machine, cliMachine, cause, proof, details, ifVersion, expiresAt, sealedVersion);
    }

    /** The machine that the tool is to be used in. */
    public SessionChange cliMachine(MachineId machine) {
        return new SessionChange(
                text, browserMachine, machine, cause, proof, details, ifVersion, expiresAt, sealedVersion);
    }

    /** Why it failed. */
    public SessionChange cause(Cause why) {
        return new SessionChange(
                text, browserMachine, cliMachine, why, proof, details, ifVersion, expiresAt, sealedVersion);
    }

    /** What the tool in the CLI machine said; cut to 4000 characters. */
    public SessionChange proof(String words) {
        return new SessionChange(
                text, browserMachine, cliMachine, cause, words, details, ifVersion, expiresAt, sealedVersion);
    }

    /** A further fact of the timeline's event; nothing secret. */
    public SessionChange detail(String name, String value) {
        Map<String, String> more = new HashMap<>(details);
        more.put(name, value);
        return new SessionChange(
                text, browserMachine, cliMachine, cause, proof, more, ifVersion, expiresAt, sealedVersion);
    }

    /** When the user's time is over. */
    public SessionChange expiringAt(Instant end) {
        return new SessionChange(
                text, browserMachine, cliMachine, cause, proof, details, ifVersion, end, sealedVersion);
    }

    /** The version of the credentials in the vault that the session sealed. */
    public SessionChange sealed(long version) {
        return new SessionChange(
                text, browserMachine, cliMachine, cause, proof, details, ifVersion, expiresAt, version);
    }

    /** Only if the session is still at this version; otherwise nothing is changed. */
    public SessionChange ifVersion(long expected) {
        return new SessionChange(
                text, browserMachine, cliMachine, cause, proof, details, expected, expiresAt, sealedVersion);
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

    @Nullable
    Instant expiresAt() {
        return expiresAt;
    }

    @Nullable
    Long sealedVersion() {
        return sealedVersion;
    }
}
