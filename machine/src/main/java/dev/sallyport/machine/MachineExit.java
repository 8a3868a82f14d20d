package dev.sallyport.machine;

import java.util.List;

/**
 * How a machine ended.
 *
 * @param kind what ended it
 * @param exitCode the hypervisor's exit code, or 128 + the signal's number; -1 when it is not told, as of a machine
 *     that an earlier process started
 * @param evidence the hypervisor's last lines
 */
public record MachineExit(Kind kind, int exitCode, List<String> evidence) {
    /** What ended it. */
    public enum Kind {
        /** {@link Machine#destroy()}. */
        DESTROYED,
        /** The guest powered itself off or rebooted. */
        GUEST_SHUTDOWN,
        /** The guest's kernel panicked. */
        GUEST_PANIC,
        /** The hypervisor ended with an error, or was killed. */
        HYPERVISOR_FAILED
    }

    public MachineExit {
        evidence = List.copyOf(evidence);
    }
}
