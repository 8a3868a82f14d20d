package dev.sallyport.egress;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.MachineId;

/**
 * Something that a machine wanted and did not get.
 *
 * @param machine which machine
 * @param kind what happened
 * @param host what it asked for, bounded and printable; it comes from the machine
 * @param reason one sentence
 * @param untold how many events of this machine were left out before this one, because there were too many
 */
public record EgressEvent(MachineId machine, Kind kind, String host, String reason, long untold) {
    /** What can happen. */
    public enum Kind {
        /** The machine may not reach that host. */
        REFUSED(CauseCode.EGRESS_REFUSED),
        /** It may, but the host, its name or the proxy on the way to it could not be reached. */
        UPSTREAM_UNREACHABLE(CauseCode.UPSTREAM_UNREACHABLE),
        /** It may, but the proxy on the way wants a user name and a password (HTTP status 407, RFC 9110, section 15.5.8). */
        UPSTREAM_PASSWORD(CauseCode.UPSTREAM_PASSWORD);

        private final CauseCode code;

        Kind(CauseCode code) {
            this.code = code;
        }

        /** The entry of the catalogue. */
        public CauseCode code() {
            return code;
        }
    }
}
