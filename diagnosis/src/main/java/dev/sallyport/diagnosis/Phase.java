package dev.sallyport.diagnosis;

import java.time.Instant;

/**
 * A step of a machine's coming up that has been seen.
 *
 * @param name which
 * @param at when it was first seen, by the host's clock
 */
public record Phase(Name name, Instant at) {
    /** The steps, in their usual order. */
    public enum Name {
        KERNEL_BEGAN("the kernel began"),
        ROOT_READY("the initramfs had put the root file system together"),
        SYSTEMD_BEGAN("systemd began"),
        UNIT_STARTED("systemd started the agent's unit"),
        AGENT_LISTENS("the agent said that it listens"),
        AGENT_ANSWERED("the agent answered");

        private final String text;

        Name(String text) {
            this.text = text;
        }

        /** For people. */
        public String text() {
            return text;
        }
    }
}
