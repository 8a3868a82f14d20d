package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What changes in a machine, and what its timeline is to say of it. Immutable; what is not named stays as it is. */
public final class MachineChange {
    private static final MachineChange NONE =
            new MachineChange(null, null, null, null, null, Map.of(), null, List.of());

    private final @Nullable String text;
    private final @Nullable InetSocketAddress agent;
    private final @Nullable InetSocketAddress streams;
    private final @Nullable String endReason;
    private final @Nullable Cause cause;
    private final Map<String, String> details;
    private final @Nullable Long ifVersion;
    private final List<TimelineStore.Entry> told;

    private MachineChange(
            @Nullable String text,
            @Nullable InetSocketAddress agent,
            @Nullable InetSocketAddress streams,
            @Nullable String endReason,
            @Nullable Cause cause,
            Map<String, String> details,
            @Nullable Long ifVersion,
            List<TimelineStore.Entry> told) {
        this.text = text;
        this.agent = agent;
        this.streams = streams;
        this.endReason = endReason;
        this.cause = cause;
        this.details = Map.copyOf(details);
        this.ifVersion = ifVersion;
        this.told = List.copyOf(told);
    }

    /** Nothing but the state. */
    public static MachineChange none() {
        return NONE;
    }

    /** The sentence of the timeline's event. */
    public MachineChange saying(String sentence) {
        return new MachineChange(sentence, agent, streams, endReason, cause, details, ifVersion, told);
    }

    /** Where its agent's HTTP port and stream port are reached. */
    public MachineChange addresses(InetSocketAddress agentPort, InetSocketAddress streamPort) {
        return new MachineChange(text, agentPort, streamPort, endReason, cause, details, ifVersion, told);
    }

    /** Why it ends; cut to 400 characters. */
    public MachineChange endReason(String reason) {
        return new MachineChange(text, agent, streams, reason, cause, details, ifVersion, told);
    }

    /** The named cause of its failure. */
    public MachineChange cause(Cause why) {
        return new MachineChange(text, agent, streams, endReason, why, details, ifVersion, told);
    }

    /** A further fact of the timeline's event; nothing secret. */
    public MachineChange detail(String name, String value) {
        Map<String, String> more = new HashMap<>(details);
        more.put(name, value);
        return new MachineChange(text, agent, streams, endReason, cause, more, ifVersion, told);
    }

    /** Only if the machine is still at this version; otherwise nothing is changed. */
    public MachineChange ifVersion(long expected) {
        return new MachineChange(text, agent, streams, endReason, cause, details, expected, told);
    }

    /** Further events in the same transaction, of this machine's timeline and others. */
    public MachineChange telling(List<TimelineStore.Entry> events) {
        return new MachineChange(text, agent, streams, endReason, cause, details, ifVersion, events);
    }

    @Nullable
    String text() {
        return text;
    }

    @Nullable
    InetSocketAddress agent() {
        return agent;
    }

    @Nullable
    InetSocketAddress streams() {
        return streams;
    }

    @Nullable
    String endReason() {
        return endReason;
    }

    @Nullable
    Cause cause() {
        return cause;
    }

    Map<String, String> details() {
        return details;
    }

    @Nullable
    Long ifVersion() {
        return ifVersion;
    }

    List<TimelineStore.Entry> told() {
        return told;
    }
}
